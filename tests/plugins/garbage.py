#!/usr/bin/env python3
"""Prints a line that is no handshake, and stays.

A program that greets people before it serves.
"""

import signal

print("Welcome to garbage 1.0!", flush=True)
signal.pause()
