#!/usr/bin/env python3
"""Starts a child that forks again and leaves the session, and so the process group.

A signal to the group doesn't reach it, and its parent is gone.
"""

import subprocess

from plugin_base import Plugin

subprocess.run(["sh", "-c", "setsid sleep 600 </dev/null >/dev/null 2>&1 &"], check=True)
Plugin().run()
