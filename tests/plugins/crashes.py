#!/usr/bin/env python3
"""Serves well for ZOO_AFTER_MS (200), then dies: with exit code ZOO_CODE (7), or by signal ZOO_SIGNAL if that is set.

The plain crash.
"""

import os
import signal

from plugin_base import Plugin, after, number


def crash() -> None:
    if number("ZOO_SIGNAL", 0):
        os.kill(os.getpid(), number("ZOO_SIGNAL", 0))
        signal.pause()  # another thread may be the one that takes it
    os._exit(number("ZOO_CODE", 7))


plugin = Plugin()
after(number("ZOO_AFTER_MS", 200), crash)
plugin.run()
