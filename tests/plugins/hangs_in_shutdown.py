#!/usr/bin/env python3
"""Never answers the Shutdown call.

Go's own host waits for it without a limit.
"""

from plugin_base import Plugin, hang

Plugin(shutdown=hang).run()
