#!/usr/bin/env python3
"""Prints a line of 10 MB and bytes that are no UTF-8, on stdout and on stderr, and then one plain line.

Go's own host stops reading at the first of them.
"""

import os

from plugin_base import Plugin, after, announce


def write(descriptor: int) -> None:
    with os.fdopen(os.dup(descriptor), "wb") as stream:
        stream.write(b"x" * 10_000_000 + b"\n")
        stream.write(b"\xff\xfe\x80 no text \xc3\n")
        stream.write(b"plain again\n")


plugin = Plugin().listen()
announce(plugin.path)
after(0, lambda: write(1))
after(0, lambda: write(2))
plugin.wait()
os._exit(0)
