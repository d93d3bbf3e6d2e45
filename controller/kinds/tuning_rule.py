"""The base class of tuning rules: they say to which alerts their one action applies."""

from collections.abc import Awaitable

from controller.kinds.alert import Alert, read_alert
from controller.kinds.pb import tuning_rule_pb2
from controller.kinds.plugin import Kind, Plugin, to_bool
from controller.kinds.scales import Confidence, TuningAction


def _answer(_alert: object, found: object) -> tuning_rule_pb2.Tuning:
    return tuning_rule_pb2.Tuning(applies=to_bool(found, "tune"))


TUNING_RULE = Kind(
    "tuning_rule_v1", tuning_rule_pb2.DESCRIPTOR.services_by_name["TuningRule"], "tune", read_alert, _answer
)


class TuningRule(Plugin):
    """Override `tune`."""

    kind = TUNING_RULE

    is_global: bool = False  # for alerts of every rule, not only of those that name it
    action: TuningAction = TuningAction.UNSPECIFIED
    confidence: Confidence = Confidence.UNSPECIFIED  # for SET_CONFIDENCE

    def tune(self, alert: Alert) -> bool | Awaitable[bool]:
        """Say whether the action applies to the alert."""
        raise NotImplementedError
