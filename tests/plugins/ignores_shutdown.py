#!/usr/bin/env python3
"""Answers the Shutdown call and goes on.

SIGTERM ends it.
"""

from plugin_base import Plugin, no_shutdown

Plugin(shutdown=no_shutdown).run()
