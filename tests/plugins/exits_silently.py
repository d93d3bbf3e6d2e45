#!/usr/bin/env python3
"""Exits with code 0 and no word.

Go plugins do so when their socket directory is bad: before the handshake code 0 is a failure too.
"""
