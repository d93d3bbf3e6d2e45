"""How long to wait before the API server is asked again: ever longer, and never in step with other pods."""

import random
from collections.abc import Callable

FIRST = 0.2  # seconds
MOST = 5.0  # seconds; an API server that is back is noticed within this


class Patience:
    """The waits of one caller; `reset` when it was answered."""

    def __init__(
        self, most: float = MOST, *, first: float = FIRST, chance: Callable[[], float] = random.random
    ) -> None:
        self._most = most
        self._first = first
        self._chance = chance
        self._wait = first

    def wait(self) -> float:
        """Return the seconds to wait now: half of the current length to all of it. The next is twice as long."""
        length, self._wait = self._wait, min(2 * self._wait, self._most)
        return length * (1 + self._chance()) / 2

    def reset(self) -> None:
        """Begin anew."""
        self._wait = self._first
