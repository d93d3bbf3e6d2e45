#!/usr/bin/env python3
"""Is up only after ZOO_DELAY_MS (1000), or once the file ZOO_FILE is there if that is set.

For all that has to happen while a plugin starts.
"""

import os
import time

from plugin_base import Plugin, number

if file := os.environ.get("ZOO_FILE"):
    while not os.path.exists(file):  # noqa: PTH110 pathlib costs start time
        time.sleep(0.005)
else:
    time.sleep(number("ZOO_DELAY_MS", 1000) / 1000)
Plugin().run()
