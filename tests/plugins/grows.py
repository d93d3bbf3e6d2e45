#!/usr/bin/env python3
"""Takes 8 MiB of memory every ZOO_EVERY_MS (20), up to ZOO_MAX_MB (400), and keeps it.

A limit on memory decides how long that is borne.
"""

import time

from plugin_base import Plugin, after, number

hoard = []


def grow() -> None:
    while len(hoard) * 8 < number("ZOO_MAX_MB", 400):
        hoard.append(b"\x01" * (8 << 20))
        time.sleep(number("ZOO_EVERY_MS", 20) / 1000)


plugin = Plugin()
after(0, grow)
plugin.run()
