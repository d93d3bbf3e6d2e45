"""The one thread that a plugin's plain hooks run in."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeAlias

_Work: TypeAlias = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...]]


def called(hook: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the hook gives; its StopIteration, which no future takes, is a RuntimeError."""
    try:
        return hook(*arguments)
    except StopIteration as error:
        raise RuntimeError("the hook raised StopIteration").with_traceback(error.__traceback__) from error


class HookThread:
    """Runs calls one after the other. A daemon: a hook that hangs cannot hold the end of the process."""

    def __init__(self) -> None:
        """Start it."""
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        threading.Thread(target=self._run, name="hooks", daemon=True).start()

    async def call(self, hook: Callable[..., Any], *arguments: Any) -> Any:
        """Return what the hook gives; cancelled before its turn, it is not called."""
        future: Future[Any] = Future()
        self._work.put((future, hook, arguments))
        return await asyncio.wrap_future(future)

    def end(self) -> None:
        """Let it end after what it is at."""
        self._work.put(None)

    def _run(self) -> None:
        while work := self._work.get():
            future, hook, arguments = work
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(called(hook, *arguments))
            except BaseException as error:  # noqa: BLE001 - raised where it is awaited
                future.set_exception(error)
