#!/usr/bin/env python3
"""Says nothing and stays.

A plugin that waits for its database before it prints the handshake line.
"""

import signal

signal.pause()
