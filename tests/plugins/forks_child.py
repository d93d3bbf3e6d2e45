#!/usr/bin/env python3
"""Starts a child that holds the plugin's stdout and stderr, and leaves it behind.

The end of the pipes doesn't come when the plugin ends.
"""

import subprocess

from plugin_base import Plugin

subprocess.Popen(["sleep", "600"])
Plugin().run()
