#!/usr/bin/env python3
"""Prints 1 MiB without a line break where the handshake line is due, and stays.

A plugin that dumps its data to stdout.
"""

import os
import signal

block = b"x" * 65536
for _ in range(16):
    os.write(1, block)
signal.pause()
