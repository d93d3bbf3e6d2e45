"""Puts the controller together and runs it: who is built, in which order things start, and in which they stop."""

from controller.app.main import main

__all__ = ["main"]
