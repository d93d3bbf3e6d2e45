#!/usr/bin/env python3
"""A rule that is unwell after the first event: its ping raises, or hangs where RULE_PING says so; then so do events."""

import os
import threading
from typing import Any

from controller.kinds import Rule, serve


class Unwell(Rule):
    name = "unwell"
    is_well = True

    def ping(self) -> None:
        if self.is_well:
            return
        if os.environ["RULE_PING"] == "hangs":
            threading.Event().wait()
        raise RuntimeError("the table of users is gone")

    def evaluate(self, event: dict[str, Any]) -> bool:
        if not self.is_well:
            threading.Event().wait()
        self.is_well = False
        return True


serve(Unwell())
