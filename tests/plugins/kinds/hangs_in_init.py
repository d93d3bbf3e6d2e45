#!/usr/bin/env python3
"""Its Init never ends."""

import threading

from controller.kinds import Matcher, serve


class HangsInInit(Matcher):
    name = "hangs-in-init"

    def init(self) -> None:
        threading.Event().wait()

    def match(self, event: object) -> bool:
        return True


serve(HangsInInit())
