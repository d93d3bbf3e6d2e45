"""The base class of rules: they look at events and say which are worth an alert."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from controller.kinds.event import has_all, read_event
from controller.kinds.pb import common_pb2, rule_pb2
from controller.kinds.plugin import Kind, Plugin, UnfitError, to_json
from controller.kinds.scales import Confidence, Severity


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """What a rule says of an event that is worth an alert. What is left out is taken from the rule's metadata."""

    title: str = ""
    description: str = ""
    severity: Severity = Severity.UNSPECIFIED
    merge_by_keys: Sequence[str] = ()
    context: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


Found: TypeAlias = RuleMatch | bool | None


def _answer(_event: object, found: object) -> rule_pb2.Evaluation:
    if isinstance(found, RuleMatch):
        return rule_pb2.Evaluation(
            matched=True,
            title=found.title,
            description=found.description,
            severity=common_pb2.Severity.ValueType(found.severity),
            merge_by_keys=found.merge_by_keys,
            context_json=to_json(found.context, "the context") if found.context else "",
        )
    if found is None or isinstance(found, bool):
        return rule_pb2.Evaluation(matched=bool(found))
    raise UnfitError(f"evaluate() gave {type(found).__name__}, not RuleMatch, bool or None")


def _is_wanted(rule: "Rule", found: Mapping[str, Any]) -> bool:
    return has_all(found, rule.req_subkeys)


RULE = Kind(
    "rule_v1", rule_pb2.DESCRIPTOR.services_by_name["Rule"], "evaluate", read_event, _answer, is_wanted=_is_wanted
)


class Rule(Plugin):
    """Override `evaluate`. Names and paths are sequences of strings; the attributes are those of `RuleMetadata`.

    Where a YAML file lies beside the plugin's file, hosts read that and not these; `req_subkeys` is heeded in any case.
    """

    kind = RULE

    severity: Severity = Severity.UNSPECIFIED
    confidence: Confidence = Confidence.UNSPECIFIED
    log_types: Sequence[str] = ()  # none: all
    matchers: Sequence[str] = ()  # names; all must pass an event before the rule sees it
    req_subkeys: Sequence[str] = ()  # dotted paths; events without them are skipped
    merge_by_keys: Sequence[str] = ()  # dotted paths; alerts that agree in them are one
    merge_window_minutes: int = 0
    tags: Sequence[str] = ()
    references: Sequence[str] = ()
    formatters: Sequence[str] = ()
    enrichments: Sequence[str] = ()
    tuning_rules: Sequence[str] = ()

    def evaluate(self, event: dict[str, Any]) -> Found | Awaitable[Found]:
        """Say whether the event is worth an alert, and which."""
        raise NotImplementedError
