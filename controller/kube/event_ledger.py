"""Which Events are sent, and which only counted, so that a pod in trouble is no trouble to the API server. Pure.

The limits are those that Kubernetes' own components have.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from controller.kube.event_table import Happening

BURST: Final = 25  # new Events of one reason
INTERVAL: Final = 300.0  # seconds, for one more of them, and between two words on one that repeats
MEMORY: Final = 1800.0  # seconds; one that comes again later is a new one. The API server forgets after an hour


@dataclass(frozen=True, slots=True)
class Series:
    """An Event that may repeat; times are monotonic. `told` is the count that the API server knows."""

    happening: Happening  # the last one
    name: str
    count: int
    told: int
    seen_at: float
    told_at: float


@dataclass(slots=True)
class Bucket:
    """How many new Events of a reason may still be sent."""

    left: float = BURST
    at: float = 0.0

    def take(self, now: float) -> bool:
        """Take one out if there is one."""
        self.left = min(self.left + (now - self.at) / INTERVAL, BURST)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


@dataclass(slots=True)
class Ledger:
    """What was told of late."""

    _series: dict[tuple[str, str], Series] = field(default_factory=dict)
    _buckets: dict[str, Bucket] = field(default_factory=dict)

    def enter(self, happening: Happening, name: str, now: float) -> Series | None:
        """Return what to send: a new Event of this name, or the count of one that is known; None for neither."""
        key = (happening.subject, happening.reason)
        known = self._series.get(key)
        if known is not None and now - known.seen_at < MEMORY:
            self._series[key] = replace(known, happening=happening, count=known.count + 1, seen_at=now)
            return self._tell(key, now)
        if not self._buckets.setdefault(happening.reason, Bucket(at=now)).take(now):
            return None
        self._series[key] = Series(happening, name, 1, 1, now, now)
        return self._series[key]

    def due(self, now: float) -> list[Series]:
        """Return those whose count has grown and may be told; forget the old ones."""
        self._series = {key: each for key, each in self._series.items() if now - each.seen_at < MEMORY}
        told = [self._tell(key, now) for key in list(self._series)]
        return [each for each in told if each is not None]

    def lose(self, series: Series) -> None:
        """The API server does not know it: it begins anew when it comes again."""
        self._series.pop((series.happening.subject, series.happening.reason), None)

    def _tell(self, key: tuple[str, str], now: float) -> Series | None:
        known = self._series[key]
        if known.count == known.told or now - known.told_at < INTERVAL:
            return None
        self._series[key] = replace(known, told=known.count, told_at=now)
        return self._series[key]
