#!/usr/bin/env python3
"""Deletes its socket at the first health check.

Who is connected notices nothing; nobody else can connect any more.
"""

import os

from plugin_base import Plugin, serving


def health(request, context):
    if os.path.exists(plugin.path):  # noqa: PTH110 pathlib costs start time
        os.unlink(plugin.path)  # noqa: PTH108
    return serving(request, context)


plugin = Plugin(health=health)
plugin.run()
