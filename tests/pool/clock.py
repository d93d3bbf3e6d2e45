"""An event loop whose time passes only when nobody has anything to do, and then at once."""

import asyncio
import selectors
from collections.abc import Callable


class _Selector(selectors.SelectSelector):
    """Where the loop would sleep, its time is moved instead."""

    sleep: Callable[[float | None], None]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            self.sleep(timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """`limit` is how far its time may pass by itself."""

    def __init__(self) -> None:
        selector = _Selector()
        super().__init__(selector)
        selector.sleep = self._sleep
        self.now = 1000.0

    def time(self) -> float:
        return self.now

    def turn(self) -> None:
        """Run what is ready, once."""
        self.call_soon(self.stop)
        self.run_forever()

    def settle(self) -> None:
        """Run until nothing is ready; no time passes."""
        self.turn()
        while self._ready or (self._scheduled and self._scheduled[0]._when <= self.now):
            self.turn()

    def _sleep(self, seconds: float | None) -> None:
        if seconds is None:
            raise RuntimeError("everybody waits, and for nothing that could come")
        self.now += seconds
