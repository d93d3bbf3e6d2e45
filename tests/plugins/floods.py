#!/usr/bin/env python3
"""Writes lines to stdout and stderr as fast as they are taken.

Who stores them all dies of it; who stops reading blocks the plugin.
"""

import os

from plugin_base import Plugin, after, announce


def flood(descriptor: int) -> None:
    while True:
        os.write(descriptor, b"not again, not again, not again, not again, not again, not again\n" * 50)


plugin = Plugin().listen()
announce(plugin.path)
after(0, lambda: flood(1))
after(0, lambda: flood(2))
plugin.wait()
os._exit(0)
