#!/usr/bin/env python3
"""json-summary is a formatter: of an alert, what somebody on call wants to read first."""

from typing import Any

from controller.kinds import Alert, Formatter, serve


class JsonSummary(Formatter):
    """One flat object for each alert."""

    name = "json-summary"
    display_name = "JSON summary"
    description = "The gist of an alert, as one flat object"
    version = "1.0.0"

    def format(self, alert: Alert) -> dict[str, Any]:
        """Return what is delivered."""
        return {
            "rule": alert.rule_name,
            "title": alert.title,
            "severity": alert.severity.name.lower(),
            "confidence": alert.confidence.name.lower(),
            "events": alert.events,
            **{key: alert.context[key] for key in ("country", "country_risk") if key in alert.context},
            "tags": list(alert.tags),
            "id": alert.id,
        }


if __name__ == "__main__":
    serve(JsonSummary())
