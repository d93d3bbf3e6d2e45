"""The status document's writer: latest wins, only when the meaning changed, at most once a second.

One for each place that it is written to; a place that fails, or is slow, holds up nothing else.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

from controller.errors import StatusNotWrittenError

log = logging.getLogger(__name__)

PERIOD = 1.0  # seconds between writes
LAST = 1.0  # seconds for the write at the end

StatusDocument = dict[str, Any]
Sink = Callable[[StatusDocument], Awaitable[None]]  # raises StatusNotWrittenError


class StatusWriter:
    """`changed` is called after every step that may have changed the document; `run` writes.

    Where many controllers write to one server, each writes once in `window` seconds, at a moment of its own.
    """

    def __init__(
        self,
        document: Callable[[], StatusDocument],
        sink: Sink,
        *,
        meaning: Callable[[StatusDocument], Any] = lambda document: document,
        settle: float = 0.0,
        window: Callable[[], float] = lambda: 0.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Take what to write and where to.

        Args:
            document: makes the document of this moment.
            sink: writes it.
            meaning: what of it has to differ for it to be written again.
            settle: seconds from a change after a quiet time until it is written, for what follows from it to be in it.
            window: seconds, asked for before each write.
            chance: between 0 and 1, where in the window to write.
        """
        self._document = document
        self._sink = sink
        self._meaning = meaning
        self._settle = settle
        self._window = window
        self._chance = chance
        self._dirty = asyncio.Event()
        self._written: Any = None  # unknown while a write is under way, and after one that failed
        self._is_lost = False
        self._is_failing = False
        self.failures = 0

    def changed(self) -> None:
        """Say that there may be something to write."""
        self._dirty.set()

    def again(self) -> None:
        """Say that what was written is lost."""
        self._is_lost = True
        self._dirty.set()

    async def run(self) -> None:
        """Write until cancelled, and then once more, without waiting long for it."""
        try:
            while True:
                settle = 0.0 if self._dirty.is_set() else self._settle
                await self._dirty.wait()
                window = self._window()
                delay = max(settle, window * self._chance())
                await asyncio.sleep(delay)
                self._dirty.clear()
                pause = await self._put()
                await asyncio.sleep(max(PERIOD, pause, window - delay))
        finally:
            try:
                async with asyncio.timeout(LAST):
                    await self._put()
            except TimeoutError:
                log.warning("the last status was not written in time", extra={"seconds": LAST})

    async def _put(self) -> float:
        """Return the seconds to wait for the next try."""
        document = self._document()
        meaning = self._meaning(document)
        if meaning == self._written and not self._is_lost:
            return 0.0
        self._written, self._is_lost = None, False
        try:
            await self._sink(document)
        except StatusNotWrittenError as error:
            if not self._is_failing:
                log.warning("cannot write the status", extra={"error": str(error)})
            self._is_failing = True
            self.failures += 1
            self._dirty.set()
            return error.retry_after or 0.0
        if self._is_failing:
            log.info("the status is written again")
        self._written, self._is_failing = meaning, False
        return 0.0
