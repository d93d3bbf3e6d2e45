"""What a load host counts, in the words that the Go one (`gohost/statistics.go`) prints too."""

import math
import time
from collections import Counter
from typing import Any

MOST_FAILURES = 10000  # named one by one; all are counted
GROWTH = math.log(1.02)  # each bucket of latencies is 2 % wider than the one before

Report = dict[str, Any]


class Window:
    """All calls of some time. Latencies are counted in buckets, so a long one costs no more memory."""

    def __init__(self) -> None:
        self.began = time.time()
        self.calls = self.failed = self.tries = 0
        self.most = 0.0
        self.latencies: Counter[int] = Counter()
        self.errors: Counter[str] = Counter()
        self.workers: dict[str, Report] = {}
        self.failures: list[Report] = []

    def tried(self, worker: str, sent: float, error: str) -> None:
        """One call on one worker."""
        self.tries += 1
        one = self.workers.get(worker)
        if one is None:
            one = self.workers[worker] = {"calls": 0, "failed": 0, "first": sent, "last": sent}
        one["calls"] += 1
        one["last"] = max(one["last"], sent)
        if error:
            one["failed"] += 1
            self.errors[f"{worker}: {error}"] += 1

    def called(self, worker: str, began: float, took: float, error: str) -> None:
        """What the caller saw of it."""
        self.calls += 1
        self.most = max(self.most, took)
        self.latencies[int(math.log(max(1.0, took * 1e9)) / GROWTH)] += 1
        if error:
            self.failed += 1
            if not worker:
                self.errors[error] += 1
            if len(self.failures) < MOST_FAILURES:
                self.failures.append({"worker": worker, "sent": began, "error": error})

    def at(self, share: float) -> float:
        """The milliseconds below which that share of the calls took."""
        left = math.ceil(share * self.calls)
        for place in sorted(self.latencies):
            left -= self.latencies[place]
            if left <= 0:
                return min(math.exp((place + 1) * GROWTH) / 1e6, self.most * 1000)
        return 0.0

    def report(self, event: str, name: str = "") -> Report:
        """The window as it is printed."""
        now = time.time()
        return {
            "event": event,
            "name": name,
            "time": now,
            "seconds": now - self.began,
            "calls": self.calls,
            "failed": self.failed,
            "tries": self.tries,
            "p50_ms": self.at(0.5),
            "p99_ms": self.at(0.99),
            "max_ms": self.most * 1000,
            "errors": self.errors,
            "workers": self.workers,
            "failures": self.failures,
        }


class Statistics:
    """Three windows: since ready, since the last mark, since the last second."""

    def __init__(self) -> None:
        self.whole, self.named, self.now = Window(), Window(), Window()

    def tried(self, worker: str, sent: float, error: str) -> None:
        for each in (self.whole, self.named, self.now):
            each.tried(worker, sent, error)

    def called(self, worker: str, began: float, took: float, error: str) -> None:
        for each in (self.whole, self.named, self.now):
            each.called(worker, began, took, error)

    def mark(self, name: str) -> Report:
        past, self.named = self.named, Window()
        return past.report("mark", name)

    def second(self) -> Report:
        past, self.now = self.now, Window()
        return past.report("second")

    def final(self) -> Report:
        return self.whole.report("final")
