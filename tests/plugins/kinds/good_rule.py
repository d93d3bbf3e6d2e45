#!/usr/bin/env python3
"""A rule as it should be: events of failure match."""

import os
from typing import Any

from controller.kinds import Rule, RuleMatch, Severity, serve


class GoodRule(Rule):
    name = "good-rule"
    id = os.environ.get("RULE_ID", "")  # two of one kind can claim the same
    display_name = "Good rule"
    description = "Matches what failed"
    version = "1.2.3"
    severity = Severity.HIGH
    log_types = ("auth",)
    req_subkeys = ("user.name", "outcome")
    tags = ("test",)

    def evaluate(self, event: dict[str, Any]) -> RuleMatch | None:
        if event["outcome"] != "failure":
            return None
        limit = self.config.get("limit", 3)
        return RuleMatch(title=f"{event['user']['name']} failed", context={"limit": limit})


serve(GoodRule())
