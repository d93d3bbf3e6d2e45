#!/usr/bin/env python3
"""Answers health checks with NOT_SERVING.

Go's own host takes that for healthy.
"""

from plugin_base import NOT_SERVING, Plugin

Plugin(health=lambda _request, _context: NOT_SERVING).run()
