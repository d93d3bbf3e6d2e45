#!/usr/bin/env python3
"""Pings well, fails or hangs, as its config's `ping` says; dies in Init where `init` says so; tells of its shutdown."""

import os
import time

from controller.kinds import Rule, serve


class Moody(Rule):
    name = "moody"

    def init(self) -> None:
        if self.config.get("init") == "die":
            os._exit(3)

    def ping(self) -> None:
        if self.config["ping"] == "fail":
            raise OSError("the database is away")
        if self.config["ping"] == "hang":
            time.sleep(60)

    def shutdown(self) -> None:
        print("finished", flush=True)

    def evaluate(self, event: dict[str, object]) -> bool:
        return True


serve(Moody())
