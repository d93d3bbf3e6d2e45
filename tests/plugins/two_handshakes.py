#!/usr/bin/env python3
"""Prints a second handshake line after the first, with an address where nobody listens.

The first one counts; the second is output like any other.
"""

from plugin_base import Plugin, announce

plugin = Plugin().listen()
announce(plugin.path)
announce("/nowhere")
plugin.wait()
