"""The adapter for tuning rules."""

from controller.adapters.bundled import BundledAdapter
from controller.kinds import TuningRule
from controller.kinds.pb.tuning_rule_pb2_grpc import TuningRuleStub


class TuningRuleAdapter(BundledAdapter):
    """Gives hosts a `TuningRuleStub`."""

    kind = TuningRule.kind
    stub = TuningRuleStub
    plugin_key = "tuning_rule"
    magic_value = kind.cookie_value
