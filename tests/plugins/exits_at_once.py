#!/usr/bin/env python3
"""Exits before it says anything, with code 3 and a reason on stderr.

As a plugin does whose own configuration is wrong.
"""

import sys

sys.stderr.write("cannot open the database: no such host\n")
sys.exit(3)
