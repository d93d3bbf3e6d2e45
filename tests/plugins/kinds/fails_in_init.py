#!/usr/bin/env python3
"""Its Init raises, in two lines and with a word that no message can carry."""

from controller.kinds import Formatter, serve


class FailsInInit(Formatter):
    name = "fails-in-init"

    def init(self) -> None:
        raise ValueError("no template\nat \udcff")

    def format(self, alert: object) -> dict[str, object]:
        return {}


serve(FailsInInit())
