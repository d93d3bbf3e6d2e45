"""When a failed worker is tried again (rule 5): at once the first time, then later and later, for ever.

Numbers only. What a failure is, and whether a version is given up over it, is decided elsewhere.
"""

from typing import Final

from controller.core.model import Clock, Policy, Restart, Slot, Worker

MOST_DOUBLINGS: Final = 64  # the delay is at its maximum long before; a float has its own


def delay(failures: int, restart: Restart, policy: Policy, chance: float) -> float:
    """Return the seconds to wait after the last of `failures` in a row.

    The first failure is answered at once; then it is never under the initial delay nor over the maximum. Jitter
    lengthens a delay; where it grew to the maximum, room is left for it.
    """
    if failures <= 1:
        return 0.0
    longer = 1.0 + policy.jitter * chance
    doubled: float = restart.initial_delay * policy.backoff_factor ** min(failures - 2, MOST_DOUBLINGS)
    base = max(restart.initial_delay, min(doubled, restart.max_delay / (1.0 + policy.jitter)))
    return min(base * longer, restart.max_delay)


def failed(slot: Slot, *, was_calm: bool, restart: Restart, policy: Policy, clock: Clock) -> Slot:
    """Return the slot after its worker failed: empty, counted, with the time of the next try."""
    failures = 1 if was_calm else slot.failures + 1
    wait = delay(failures, restart, policy, clock.chance)
    return Slot(None, failures, clock.monotonic + wait if wait > 0 else None)


def calm_at(worker: Worker, restart: Restart) -> float:
    """Return when a ready worker's past failures are forgiven."""
    return worker.since + restart.calm


def is_looping(slot: Slot, policy: Policy) -> bool:
    """Tell whether the slot has failed so often in a row that it is shown as a crash loop."""
    return slot.failures >= policy.crash_loop_failures
