#!/usr/bin/env python3
"""Says its id, ZOO_ID, when `zoo.Identity/Get` is called.

Two plugins of one kind can claim the same.
"""

import os

from plugin_base import Plugin

Plugin(calls={"/zoo.Identity/Get": lambda _request, _context: os.environ.get("ZOO_ID", "").encode()}).run()
