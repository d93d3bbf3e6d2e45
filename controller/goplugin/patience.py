"""How long a launch is waited for: until its time is over, or its process has ended."""

import asyncio
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from controller.goplugin.failures import ProcessExit


class Patience:
    """`async with`: the block ends with TimeoutError after `seconds`, and at once when the process ends."""

    def __init__(self, seconds: float, exit_: "asyncio.Future[ProcessExit]") -> None:
        """Take the time and the process's exit."""
        self._timeout = asyncio.timeout(seconds)
        self._exit = exit_
        self._is_over = False  # a callback that is already on its way is not removed any more

    async def __aenter__(self) -> Self:
        """Begin."""
        await self._timeout.__aenter__()
        self._exit.add_done_callback(self._end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        """End; a cancellation from elsewhere passes."""
        self._is_over = True
        self._exit.remove_done_callback(self._end)
        await self._timeout.__aexit__(kind, error, trace)

    def _end(self, _: object) -> None:
        if not self._is_over and not self._timeout.expired():
            self._timeout.reschedule(0)
