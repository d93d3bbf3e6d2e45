"""Which events a rule gets to see."""

from collections.abc import Mapping, Sequence

from examples.pipeline.about import About
from examples.pipeline.events import Event

Verdicts = Mapping[str, Sequence[bool]]
"""By matcher, for each event of the batch, whether it passes; a matcher that's switched off has none."""


def matchers_of(rule: About, matchers: Mapping[str, About]) -> list[str]:
    """The names of those that an event must pass on its way to the rule: the global ones, and those that it names."""
    return [name for name, about in matchers.items() if about.is_global or name in rule.matchers]


def events_for(rule: About, batch: Sequence[Event], matchers: Mapping[str, About], verdicts: Verdicts) -> list[Event]:
    """The events of the batch that the rule shall evaluate."""
    asked = [verdicts[name] for name in matchers_of(rule, matchers) if name in verdicts]
    return [
        event
        for number, event in enumerate(batch)
        if _is_of_its_type(rule, event) and all(passed[number] for passed in asked)
    ]


def _is_of_its_type(rule: About, event: Event) -> bool:
    is_wanted = not rule.log_types or event.get("log_type") in rule.log_types
    return is_wanted and all(event.get(path) is not None for path in rule.req_subkeys)
