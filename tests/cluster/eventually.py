"""Waiting on a loop for what comes by itself."""

import asyncio
import time
from collections.abc import Callable

DEADLINE = 30.0


async def until(fits: Callable[[], object], deadline: float = DEADLINE) -> float:
    """Wait until something fits; how long it took."""
    began = time.monotonic()
    while not fits():
        assert time.monotonic() - began < deadline, f"not within {deadline} s"
        await asyncio.sleep(0.01)
    return time.monotonic() - began
