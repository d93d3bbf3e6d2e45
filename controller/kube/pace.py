"""When a summary is due: a moment after the last change, never long after the first, and never too often.

Pure. Every write goes to every pod that watches the config, so many pods are told less often.
"""

from dataclasses import dataclass, replace
from math import inf
from typing import Final

QUIET: Final = 1.0  # seconds without a change
MOST: Final = 2.0  # seconds after the first change, however many follow
EVENTS: Final = 250  # a second, to all pods together
SLOWLY: Final = 60.0  # seconds between writes that only tell of another try of the same failure


@dataclass(frozen=True, slots=True)
class Pace:
    """`first` and `last` are the changes since the last look, infinite if there are none; nothing is `before`."""

    first: float = inf
    last: float = inf
    written: float = -inf
    before: float = -inf

    def touched(self, now: float) -> "Pace":
        """There was a change."""
        if self.first > now:  # there was none, or it was put off
            return replace(self, first=now, last=now)
        return replace(self, last=max(self.last, now))

    def expecting(self, now: float) -> "Pace":
        """There was a change that others will follow soon: to say it now and again in a moment helps nobody."""
        return replace(self, first=min(self.first, now), last=now + MOST - QUIET)

    def due(self, pods: int) -> float:
        """Return when to look whether there is something to write."""
        return max(min(self.first + MOST, self.last + QUIET), self.written + max(MOST, pods / EVENTS), self.before)

    def settled(self) -> "Pace":
        """There was nothing to write."""
        return replace(self, first=inf, last=inf)

    def wrote(self, now: float) -> "Pace":
        """It was written; what has changed while that was under way is still to be told."""
        return replace(self, written=now, before=-inf)

    def failed(self, until: float) -> "Pace":
        """It could not be written: not before `until`."""
        return replace(self, before=until)

    def put_off(self, until: float) -> "Pace":
        """It is not urgent: then, unless something happens before."""
        return replace(self, first=until - QUIET, last=until - QUIET)
