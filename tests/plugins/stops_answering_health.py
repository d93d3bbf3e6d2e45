#!/usr/bin/env python3
"""Answers no health check from ZOO_AFTER_MS (1000) on, or once the file ZOO_FILE is there if that is set.

All its other calls are answered: only a health check can tell.
"""

import os
import time

from plugin_base import Plugin, hang, number, serving

begin = time.monotonic()


def is_stopped() -> bool:
    if file := os.environ.get("ZOO_FILE"):
        return os.path.exists(file)  # noqa: PTH110 pathlib costs start time
    return time.monotonic() - begin >= number("ZOO_AFTER_MS", 1000) / 1000


def health(request, context):
    return hang(request, context) if is_stopped() else serving(request, context)


Plugin(health=health).run()
