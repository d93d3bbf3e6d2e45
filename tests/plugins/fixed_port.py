#!/usr/bin/env python3
"""Listens on a fixed TCP port, ZOO_PORT (47113).

There can be only one: the next worker finds the port taken and exits with code 1.
"""

import sys

from plugin_base import Plugin, announce, number

address = f"127.0.0.1:{number('ZOO_PORT', 47113)}"
plugin = Plugin()
try:
    plugin.server.add_insecure_port(address)
except RuntimeError:
    sys.stderr.write(f"listen tcp {address}: bind: address already in use\n")
    sys.exit(1)
plugin.server.start()
announce(address, network="tcp")
plugin.wait()
