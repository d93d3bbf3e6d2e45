#!/usr/bin/env python3
"""Wants another cookie than it gets: go-plugin's three lines of prose on stderr, exit code 1.

As a plugin of another kind in this kind's directory does.
"""

import plugin_base

plugin_base.COOKIE_VALUE = "of another kind"
plugin_base.Plugin().run()
