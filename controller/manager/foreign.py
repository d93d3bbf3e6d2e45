"""Adapters' code about a live worker, held at arm's length: what it raises and how it hangs costs that worker only.

Code that blocks the thread cannot be helped.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from controller.errors import PluginmgrError
from controller.goplugin import CallError, Session
from controller.manager.adapter import PluginLifecycle

R = TypeVar("R")

DYING = 0.05  # seconds from a broken connection to the exit that explains it


class ForeignError(PluginmgrError):
    """The code failed; the text says how, in one line."""


class EndedError(PluginmgrError):
    """The plugin's process ended before the code did."""


async def attend(work: Callable[[], Awaitable[R]], seconds: float, session: Session) -> R:
    """Await foreign code for at most `seconds`, and no longer than the process lives.

    It is cancelled then, and not waited for: it may refuse.

    Raises:
        TimeoutError: it took too long.
        EndedError: the process ended, which also explains an error of the code.
        ForeignError: it failed.
    """
    task = asyncio.create_task(_contained(work), name=f"adapter's code for {session.pid}")
    task.add_done_callback(_read)
    try:
        ends: set[asyncio.Future[Any]] = {task, session.exit}
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if task.done() and (task.cancelled() or task.exception()):
            await asyncio.wait({session.exit}, timeout=DYING)
    finally:
        task.cancel()
    if session.exit.done():
        raise EndedError("the process ended")
    if not task.done():
        raise TimeoutError
    if task.cancelled():  # gRPC says so to whoever waits for a call when a channel is closed
        raise ForeignError("a call was cancelled")
    return task.result()


def pinging(lifecycle: PluginLifecycle, session: Session) -> Callable[[float], Coroutine[Any, Any, str]]:
    """Make what the health's clockwork asks: it gets the seconds, and gives what is wrong or an empty text."""

    async def ping(seconds: float) -> str:
        try:
            await attend(lambda: lifecycle.ping(), seconds, session)  # noqa: PLW0108 - foreign: it may have none
        except TimeoutError:
            return f"ping got no answer within {seconds:g} s"
        except ForeignError as error:
            return f"ping failed: {error}"
        except EndedError:
            pass  # the exit is told by itself
        return ""

    return ping


async def say_goodbye(lifecycle: PluginLifecycle, seconds: float, session: Session) -> str:
    """Tell the plugin that it will be stopped; what went wrong, or an empty text."""
    try:
        await attend(lambda: lifecycle.shutdown(), seconds, session)  # noqa: PLW0108 - see above
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except ForeignError as error:
        return str(error)
    except EndedError:
        pass  # as it was asked to
    return ""


async def _contained(work: Callable[[], Awaitable[R]]) -> R:
    try:
        return await work()
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise ForeignError(_told(error)) from error


def _told(error: BaseException) -> str:
    if isinstance(error, PluginmgrError):
        return str(error)
    if isinstance(error, CallError):
        return f"{error.code().name} {error.details() or ''}".rstrip()
    return f"{type(error).__name__}: {error}"


def _read(task: "asyncio.Task[Any]") -> None:
    """Take note of an error that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
