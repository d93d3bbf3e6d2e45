#!/usr/bin/env python9
# Asks env for an interpreter that isn't on PATH.
# The kernel starts env, which then exits with 127.
