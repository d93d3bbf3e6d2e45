#!/usr/bin/env python3
"""Takes ZOO_DELAY_MS (300) for each health check.

Slow is not dead, below the time limit of a check.
"""

import time

from plugin_base import Plugin, number, serving


def health(request, context):
    time.sleep(number("ZOO_DELAY_MS", 300) / 1000)
    return serving(request, context)


Plugin(health=health).run()
