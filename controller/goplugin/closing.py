"""Waiting that outlasts cancellation, for the end of a process: what has begun to be cleaned up is cleaned up.

A cancellation that arrives meanwhile is kept and raised at the end. Every wait is bounded by its caller.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any


class Closing:
    """One clean-up; remembers whether it was cancelled."""

    def __init__(self) -> None:
        """Begin."""
        self._is_cancelled = False

    async def wait(self, future: "asyncio.Future[Any]", seconds: float) -> bool:
        """Wait until a future is done, at most `seconds`; tell whether it is. Never cancels it."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not future.done():
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return False
            try:
                await asyncio.wait({future}, timeout=left)
            except asyncio.CancelledError:
                self._is_cancelled = True
        return True

    async def run(self, work: Awaitable[Any]) -> None:
        """Await a short piece of work once; cancelled, it may stay undone."""
        try:
            await work
        except asyncio.CancelledError:
            self._is_cancelled = True

    def finish(self) -> None:
        """Raise the cancellation that was held back."""
        if self._is_cancelled:
            raise asyncio.CancelledError
