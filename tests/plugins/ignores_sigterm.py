#!/usr/bin/env python3
"""Ignores both the Shutdown call and SIGTERM.

Only SIGKILL ends it.
"""

import signal

from plugin_base import Plugin, no_shutdown

signal.signal(signal.SIGTERM, signal.SIG_IGN)
Plugin(shutdown=no_shutdown).run()
