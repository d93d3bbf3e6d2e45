#!/usr/bin/env python3
"""Opens files and never closes them, 1,000 a second, and dies when it may open no more.

A limit on open files decides when that is.
"""

import os
import sys
import time

from plugin_base import Plugin, after


def leak() -> None:
    try:
        while True:
            os.open("/dev/null", os.O_RDONLY)
            time.sleep(0.001)
    except OSError as error:
        sys.stderr.write(f"open /dev/null: {error.strerror}\n")
        os._exit(24)


plugin = Plugin()
after(0, leak)
plugin.run()
