"""An alert as enrichments, formatters and tuning rules see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.kinds.pb import common_pb2
from controller.kinds.plugin import read_json
from controller.kinds.scales import Confidence, Severity


@dataclass(frozen=True, slots=True)
class Alert:
    """A match of a rule, on its way through the pipeline."""

    id: str
    rule_id: str
    rule_name: str
    title: str
    description: str
    severity: Severity
    confidence: Confidence
    log_type: str
    created_unix_milliseconds: int
    merge_by_keys: tuple[str, ...]  # dotted paths into the event
    events: int  # how many were merged into this alert
    tags: tuple[str, ...]
    enrichments: tuple[str, ...]  # names of those applied
    event: Mapping[str, Any]  # the first one
    context: Mapping[str, Any]  # what the rule and the enrichments found


def read_alert(message: common_pb2.Alert) -> Alert:
    """Take the alert off the wire.

    Raises:
        UnfitError: its event or context is no JSON object.
    """
    return Alert(
        id=message.id,
        rule_id=message.rule_id,
        rule_name=message.rule_name,
        title=message.title,
        description=message.description,
        severity=Severity(message.severity),
        confidence=Confidence(message.confidence),
        log_type=message.log_type,
        created_unix_milliseconds=message.created_unix_milliseconds,
        merge_by_keys=tuple(message.merge_by_keys),
        events=message.events,
        tags=tuple(message.tags),
        enrichments=tuple(message.enrichments),
        event=read_json(message.event_json or "{}", "alert's event"),
        context=read_json(message.context_json or "{}", "alert's context"),
    )
