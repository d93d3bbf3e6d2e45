#!/usr/bin/env python3
"""Connects to the socket named in ZOO_SOCKET, as if it were a host of its own controller, and says how it went."""

import os
import socket
import sys

from plugin_base import Plugin

if path := os.environ.get("ZOO_SOCKET"):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        heard = connection.recv(1)
    sys.stderr.write("answered\n" if heard else "hung up on\n")
Plugin().run()
