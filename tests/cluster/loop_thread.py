"""A loop in a thread of its own, for what has to go on while a test blocks or while the test's own loop does."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from controller.testing.answers import DEADLINE

Answer = TypeVar("Answer")


class LoopThread:
    """Runs from the start to `close`."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name=name)
        self.thread.start()

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Wait for what runs in the loop; never call it from there."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(DEADLINE)

    def call(self, function: Callable[[], Answer]) -> Answer:
        """Call the function in the loop; its answer."""

        async def run() -> Answer:
            return function()

        return self.run(run())

    def close(self) -> None:
        """Cancel what is left in it and end it."""
        self.run(_cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(DEADLINE)
        self.loop.close()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for each in others:
        each.cancel()
    await asyncio.gather(*others, return_exceptions=True)
