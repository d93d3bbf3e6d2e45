#!/usr/bin/env python3
"""Does everything right.

The yardstick for all others; `zoo.Echo/Call` gives its request back.
"""

from plugin_base import Plugin

Plugin().run()
