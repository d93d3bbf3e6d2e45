#!/usr/bin/env python3
"""Prints a line that is no handshake, and stays.

A program that greets people before it serves.
"""

from plugin_base import wait_for_ever

print("Welcome to garbage 1.0!", flush=True)
wait_for_ever()
