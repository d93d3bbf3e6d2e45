"""The composition root: builds every part once, runs them under one TaskGroup, and ends them in order."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from controller.app.controller import Controller
from controller.app.directories import Directories, held
from controller.goplugin import become_subreaper, set_not_dumpable, sweep
from controller.settings import Settings

log = logging.getLogger(__name__)


def main(settings: Settings) -> int:
    """Run the controller until SIGTERM or SIGINT; returns the exit code.

    Must be called on the main thread: workers die with the thread that spawned them.

    Raises:
        StateDirError: a directory is unusable or in use.
        ConfigError: the config is bad and there is no last good one.
    """
    set_not_dumpable()
    become_subreaper()
    with held(settings.state_dir, settings.run_dir) as directories:
        asyncio.run(_run(settings, directories))
    return 0
