"""Worker ids that no former controller on the same state dir gave out: a host may still know those.

A block of numbers is set aside before any of it is used, so the file is written once in a long while.
"""

import logging
import secrets
from contextlib import suppress
from pathlib import Path

from controller.config import replace_file

BLOCK = 0x1_0000
LIMIT = 0x1000_0000  # ids are part of socket paths: seven digits at most, then it begins anew

log = logging.getLogger(__name__)


class WorkerNumbers:
    """`first` is where this run begins. `keep` sets the next block aside when a run reaches the end of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.first = self._read()
        self._end = self.first
        self.keep(self.first)

    def keep(self, following: int) -> None:
        """Take note of the number that the next worker gets."""
        if following < self._end:
            return
        self._end = following + BLOCK
        try:
            replace_file(self._path, f"{self._end}\n".encode(), durable=False)
        except OSError as error:
            log.warning("cannot set worker ids aside; the next run may use them again", extra={"error": str(error)})

    def _read(self) -> int:
        if not self._path.exists():
            return 1
        number = 0
        with suppress(OSError, ValueError):
            number = int(self._path.read_bytes())
        if not 0 < number <= LIMIT - BLOCK:  # unreadable after a power cut, or used up: anywhere is most likely free
            number = 1 + secrets.randbelow(LIMIT // BLOCK - 1) * BLOCK
        return number
