"""Merging: alerts of a rule that agree in its keys are one, for as long as its window is open.

Here is all that the pipeline remembers. Rules remember nothing: their workers come and go.
"""

import json
from collections.abc import Sequence

from controller.kinds.pb.common_pb2 import Alert
from examples.pipeline.about import About
from examples.pipeline.events import Event

Match = tuple[About, Event, Alert]


class Merger:
    """Gives out an alert with the first match, and again, under the same id and with a higher count, with more."""

    def __init__(self) -> None:
        self._open: dict[
            tuple[str, str], tuple[float, Alert]
        ] = {}  # by rule and values: when it closes, and what it is

    def merge(self, matches: Sequence[Match], now: float) -> list[tuple[About, Alert]]:
        """The alerts of a batch: each that is new or has grown, once."""
        self._open = {key: group for key, group in self._open.items() if group[0] > now}
        alerts: dict[str, tuple[About, Alert]] = {}
        for rule, event, alert in matches:
            merged = self._one(rule, event, alert, now)
            alerts[merged.id] = (rule, merged)
        return [(rule, _copy(alert)) for rule, alert in alerts.values()]

    def _one(self, rule: About, event: Event, alert: Alert, now: float) -> Alert:
        values = [event.get(path) for path in alert.merge_by_keys]
        if not values or None in values or not rule.merge_window_minutes:
            return alert
        key = (rule.key, json.dumps([list(alert.merge_by_keys), values], sort_keys=True))
        if key not in self._open:
            self._open[key] = (now + 60 * rule.merge_window_minutes, alert)
            return alert
        first = self._open[key][1]
        first.events += 1
        first.severity = max(first.severity, alert.severity)
        return first


def _copy(alert: Alert) -> Alert:
    """What comes after works on its own: the merger's stays as the rule made it."""
    copy = Alert()
    copy.CopyFrom(alert)
    return copy
