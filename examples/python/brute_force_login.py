#!/usr/bin/env python3
"""brute-force-login is a rule: somebody tries password after password.

What it is called, and how its alerts are merged, is in brute-force-login.yaml, which lies beside it on the volume.
"""

from typing import Any

from controller.kinds import Rule, RuleMatch, Severity, serve


class BruteForceLogin(Rule):
    """Fires on a failed login that was one of many; `config` of the PluginConfig may say how many that are."""

    name = "brute-force-login"

    def evaluate(self, event: dict[str, Any]) -> RuleMatch | None:
        """Look at one event; an exception would be this event's error and no other's."""
        if event.get("action") != "login" or event.get("outcome") != "failure":
            return None
        failures, user, source = int(event.get("failures", 1)), event["user"]["name"], event["source"]["ip"]
        many = int(self.config.get("many", 5))
        if failures < many:
            return None
        return RuleMatch(
            title=f"Many failed logins of {user} from {source}",
            severity=Severity.CRITICAL if failures >= 10 * many else Severity.UNSPECIFIED,
            context={"user": user, "source_ip": source, "failures": failures},
        )


if __name__ == "__main__":
    serve(BruteForceLogin())
