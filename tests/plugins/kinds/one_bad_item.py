#!/usr/bin/env python3
"""A rule that cannot take every event of a batch: some make it raise, for some it gives nonsense."""

from typing import Any

from controller.kinds import Rule, serve


class OneBadItem(Rule):
    name = "one-bad-item"

    def evaluate(self, event: dict[str, Any]) -> Any:
        return event["gives"]


serve(OneBadItem())
