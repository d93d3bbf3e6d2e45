"""Alerts: how one is made of a match, what a tuning rule does to it, and how it's printed where nobody formats it."""

import json
from typing import Any

from controller.kinds.pb import rule_pb2
from controller.kinds.pb.common_pb2 import CONFIDENCE_VERY_HIGH, CONFIDENCE_VERY_LOW, Alert, Confidence, Severity
from controller.kinds.pb.tuning_rule_pb2 import TuningAction
from examples.pipeline.about import About
from examples.pipeline.events import Event


def of_match(rule: About, event: Event, found: rule_pb2.Evaluation, alert_id: str, now: float) -> Alert:
    """The alert of one match; what the match doesn't say, the rule does."""
    return Alert(
        id=alert_id,
        rule_id=rule.id,
        rule_name=rule.name,
        title=found.title or rule.display_name or rule.name,
        description=found.description,
        severity=found.severity or rule.severity,
        confidence=rule.confidence,
        log_type=str(event.get("log_type") or ""),
        created_unix_milliseconds=int(now * 1000),
        merge_by_keys=found.merge_by_keys or rule.merge_by_keys,
        events=1,
        tags=rule.tags,
        event_json=event.text,
        context_json=found.context_json,
    )


def tune(alert: Alert, tuner: About) -> bool:
    """Do what the tuning rule says with an alert that it applies to; False: ignore it."""
    match tuner.action:
        case TuningAction.TUNING_ACTION_IGNORE:
            return False
        case TuningAction.TUNING_ACTION_SET_CONFIDENCE:
            alert.confidence = tuner.confidence
        case TuningAction.TUNING_ACTION_INCREASE_CONFIDENCE:
            alert.confidence = min(alert.confidence + 1, CONFIDENCE_VERY_HIGH)
        case TuningAction.TUNING_ACTION_DECREASE_CONFIDENCE:
            alert.confidence = max(alert.confidence - 1, CONFIDENCE_VERY_LOW)
    return True


def plain(alert: Alert) -> str:
    """All of it on one line."""
    shown: dict[str, Any] = {
        "id": alert.id,
        "rule": alert.rule_name,
        "title": alert.title,
        "description": alert.description,
        "severity": _word(Severity.Name(alert.severity)),
        "confidence": _word(Confidence.Name(alert.confidence)),
        "events": alert.events,
        "tags": list(alert.tags),
        "enrichments": list(alert.enrichments),
        "context": json.loads(alert.context_json or "{}"),
        "event": json.loads(alert.event_json),
    }
    return json.dumps(shown)


def _word(name: str) -> str:
    return name.partition("_")[2].lower()
