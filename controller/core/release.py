"""Questions about a release and small changes to it: which workers are ready, which slot is whose, more or fewer slots.

Pure functions on values; nothing here decides that a worker starts or ends.
"""

from collections.abc import Mapping

from controller.core.model import Phase, Release, Reported, Slot, Target, Worker, WorkerId

Workers = Mapping[WorkerId, Worker]


def release_of(target: Target, count: int) -> Release:
    """Return a release of which nothing has been started yet."""
    return Release(target, (Slot(),) * count)


def ready_workers(release: Release | None, workers: Workers) -> tuple[WorkerId, ...]:
    """Return the ready workers in the order of their slots. Of the serving release they are the serving set."""
    if release is None:
        return ()
    ready = []
    for slot in release.slots:
        if slot.worker is not None and workers[slot.worker].phase is Phase.READY:
            ready.append(slot.worker)  # noqa: PERF401 - a comprehension costs twice as much for few slots
    return tuple(ready)


def with_slot(release: Release, number: int, slot: Slot) -> Release:
    """Return the release with another slot in one place."""
    slots = (*release.slots[:number], slot, *release.slots[number + 1 :])
    return with_slots(release, slots)


def with_slots(release: Release, slots: tuple[Slot, ...]) -> Release:
    """Return the release with other slots."""
    return Release(release.target, slots, release.first_spawn_at, release.promoted_at, release.reported)


def with_target(release: Release, target: Target) -> Release:
    """Return the release with another target of the same version: its file has moved."""
    if target is release.target:
        return release
    return Release(target, release.slots, release.first_spawn_at, release.promoted_at, release.reported)


def with_spawn(release: Release, now: float) -> Release:
    """Return the release after a worker of it was started."""
    if release.first_spawn_at is not None:
        return release
    return Release(release.target, release.slots, now, release.promoted_at, release.reported)


def with_report(release: Release, reported: Reported | None) -> Release:
    """Return the release after its first worker told who the plugin is, or after that was forgotten."""
    return Release(release.target, release.slots, release.first_spawn_at, release.promoted_at, reported)


def promoted(release: Release, now: float) -> Release:
    """Return the release as it begins to serve."""
    return Release(release.target, release.slots, release.first_spawn_at, now, release.reported)


def is_due(slot: Slot, now: float) -> bool:
    """Tell whether the slot wants a worker now."""
    return slot.worker is None and (slot.retry_at is None or slot.retry_at <= now)


def grown(release: Release, count: int) -> Release:
    """Return the release with slots added; during a backoff they wait for that retry (rule 5)."""
    retry_at = min((slot.retry_at for slot in release.slots if slot.retry_at is not None), default=None)
    added = (Slot(retry_at=retry_at),) * (count - len(release.slots))
    return with_slots(release, release.slots + added)


def surplus(release: Release, count: int, workers: Workers) -> tuple[int, ...]:
    """Return the slots to take away: the empty (those that failed least), the starting, the youngest (rule 4)."""

    def rank(number: int) -> tuple[int, float, int]:
        slot = release.slots[number]
        if slot.worker is None:
            return (0, slot.failures, -number)
        worker = workers[slot.worker]
        return (2 if worker.phase is Phase.READY else 1, -worker.since, -number)

    return tuple(sorted(range(len(release.slots)), key=rank)[: len(release.slots) - count])
