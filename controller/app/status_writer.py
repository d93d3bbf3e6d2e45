"""The status document's writer: latest wins, only when the meaning changed, at most once a second."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

PERIOD = 1.0  # seconds between writes


class StatusWriter:
    """`changed` is called after every step that may have changed the document; `run` writes."""

    def __init__(self, document: Callable[[], dict[str, Any]], write: Callable[[dict[str, Any]], None]) -> None:
        self._document = document
        self._write = write
        self._dirty = asyncio.Event()
        self._written: dict[str, Any] | None = None
        self._is_failing = False

    def changed(self) -> None:
        """Say that there may be something to write."""
        self._dirty.set()

    async def run(self) -> None:
        """Write until cancelled, and then once more."""
        try:
            while True:
                await self._dirty.wait()
                self._dirty.clear()
                self._put()
                await asyncio.sleep(PERIOD)
        finally:
            self._put()

    def _put(self) -> None:
        document = self._document()
        if document == self._written:
            return
        try:
            self._write(document)
        except OSError as error:
            if not self._is_failing:
                log.warning("cannot write the status file", extra={"error": str(error)})
            self._is_failing = True
            self._dirty.set()  # tried again after the pause
        else:
            self._written, self._is_failing = document, False
