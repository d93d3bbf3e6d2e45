"""The command line as a host: the registry followed for the length of one command."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from controller.errors import NoControllerError
from controller.manager.host_messages import Notify
from controller.registry.client import SOCKET, RegistryClient


@asynccontextmanager
async def following(
    run_dir: Path,
    notify: Notify,
    *,
    command: str,
    seconds: float,
    on_link: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[None]:
    """Follow the registry; the block begins with all that serves told to `notify`.

    Raises:
        NoControllerError: nobody answered within `seconds`.
    """
    first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def linked(trouble: str) -> None:
        if first.done():
            on_link(trouble)
        else:
            first.set_result(trouble)

    host = f"pluginmgr-{command}-{os.getpid()}-{secrets.token_hex(4)}"
    client = RegistryClient(run_dir, notify, host=host, on_link=linked)
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(client.run(), name="follow the registry")
            try:
                await _expect(first, run_dir / SOCKET, seconds)
                yield
            finally:
                task.cancel()
    except BaseExceptionGroup as failed:
        raise _only(failed) from None  # as it was raised: main knows what to make of it


def _only(error: BaseException) -> BaseException:
    """The one exception in groups of groups; a group where there are several."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


async def _expect(first: "asyncio.Future[str]", socket: Path, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            why = await first
    except TimeoutError:
        raise NoControllerError(f"the controller at {socket} does not answer within {seconds:g} s") from None
    if why:
        why = why.removeprefix(f"{socket}: ")
        raise NoControllerError(
            f"no controller answers at {socket}: {why}; is `pluginmgr run` up, with this --run-dir?"
        )
