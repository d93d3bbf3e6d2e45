"""Who we are to the API server: a bearer token that changes under us. No request is made here.

It is read again when it is a minute old and at once when the API server has refused it, so that a rotation costs no
login, no reconnect and no restart.
"""

import time
from collections.abc import Awaitable, Callable

FRESH = 60.0  # seconds until the source is asked again
REST = 1.0  # at least between two questions, however often the token is refused


class Token:
    """Asks `read` for the token. Used by several threads and loops: a race costs one more reading, nothing else."""

    def __init__(self, read: Callable[[], Awaitable[str]], clock: Callable[[], float] = time.monotonic) -> None:
        """`read` gives "" where other means than a token say who we are; it may raise OSError."""
        self._read = read
        self._clock = clock
        self._value: str | None = None
        self._read_at = 0.0

    async def get(self) -> str:
        """The token of now; raises OSError only if there never was one."""
        if self._value is None or self._clock() - self._read_at >= FRESH:
            await self._renew()
        return self._value or ""

    async def other_than(self, refused: str) -> str | None:
        """Another token than the one that the API server refused, None if there is no other yet."""
        if self._value == refused and self._clock() - self._read_at >= REST:
            await self._renew()
        return self._value if self._value != refused else None

    async def _renew(self) -> None:
        try:
            value = await self._read()
        except OSError:
            if self._value is None:
                raise
        else:
            self._value = value
        self._read_at = self._clock()
