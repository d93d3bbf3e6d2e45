"""Until when a worker that has served may still answer its last calls: the one place that decides it (rules 3 and 10).

`Draft.move` asks when a drain begins, `plan.end_drains` ends those that are over.
"""

from controller.core.facts import PluginSpec


def until(spec: PluginSpec, now: float, shutdown_at: float | None) -> float:
    """Return the deadline of a drain that begins now; the end of everything leaves time for the stop after it."""
    longest = now + spec.update.drain
    if shutdown_at is None:
        return longest
    return max(now, min(longest, shutdown_at - spec.stop.shutdown - spec.stop.kill))
