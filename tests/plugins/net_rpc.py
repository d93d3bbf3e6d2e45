#!/usr/bin/env python3
"""Speaks go-plugin's old net/rpc: says so in its handshake line, or by leaving the protocol out (ZOO_REST empty).

Nobody needs to hear it speak, so it only listens.
"""

import os
import signal
import socket

path = os.path.join(os.environ["PLUGIN_UNIX_SOCKET_DIR"], f"plugin{os.getpid()}")  # noqa: PTH118 pathlib costs start time
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(path)
    listener.listen()
    print(f"1|1|unix|{path}{os.environ.get('ZOO_REST', '|netrpc|')}", flush=True)
    signal.pause()
