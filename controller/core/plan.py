"""What is due for one plugin now, and when to look again. The rules of workers and versions: 1 to 5.

It reads decisions and the clock and moves workers; who decided, and who is told of it, is not its business.
"""

from controller.core import backoff, drain, ids, probation, release, starts
from controller.core.desk import Desk, draining_until
from controller.core.draft import Draft
from controller.core.model import Off, Phase, Refused, Release, Slot, Target
from controller.core.phases import Trigger


def plan(draft: Draft) -> None:
    """Bring every opened plugin up to date, then give out the starts that there is room for."""
    wake(draft)
    if draft.kill_at is not None and draft.now >= draft.kill_at:
        kill_all(draft)
    while draft.unplanned:
        desk = draft.unplanned.pop(next(iter(draft.unplanned)))
        advance(draft, desk)
        ids.sync(draft, desk)
    starts.give_out(draft)


def wake(draft: Draft) -> None:
    """Open the plugins of which a deadline is over."""
    while (first := draft.wakeups.first()) is not None and first[0] <= draft.now:
        draft.wakeups = draft.wakeups.rest()
        plugin = draft.peek(first[1])
        if plugin is not None and plugin.wake_at == first[0]:
            draft.open(first[1])


def kill_all(draft: Draft) -> None:
    """Kill whatever is left shortly before the grace ends (rule 10), once."""
    draft.killed = True
    for worker, key in sorted(draft.owners.items()):
        desk = draft.open(key)
        draft.move(desk, desk.workers[worker], Trigger.KILL)


def advance(draft: Draft, desk: Desk) -> None:
    """Do all that is due for one plugin, in this order: what is wanted, promotion, drains that are over, starts."""
    align(draft, desk)
    if desk.serving is not None:
        desk.serving = tended(draft, desk, desk.serving)
    if desk.candidate is not None:
        desk.candidate = tended(draft, desk, desk.candidate)
    promote(draft, desk)
    probation.prove(desk, draft.policy, draft.now)
    end_drains(draft, desk)
    starts.queue(draft, desk)


def align(draft: Draft, desk: Desk) -> None:
    """Let go of the versions that are not wanted (any more), begin the one that is (rule 4)."""
    match desk.decision:
        case Off():
            desk.duplicate = None
            retire_candidate(draft, desk)
            retire_serving(draft, desk)
        case Refused():
            retire_candidate(draft, desk)
        case Target() as target:  # pragma: no branch - a closed union
            aim(draft, desk, target)


def aim(draft: Draft, desk: Desk, target: Target) -> None:
    """Want this version: it serves already, it is the candidate, or it becomes the candidate."""
    if desk.serving is not None and desk.serving.target.version == target.version:
        retire_candidate(draft, desk)
        desk.serving = release.with_target(desk.serving, target)
    elif desk.candidate is not None and desk.candidate.target.version == target.version:
        desk.candidate = release.with_target(desk.candidate, target)
    else:
        retire_candidate(draft, desk)
        desk.candidate = release.release_of(target, desk.spec.workers)


def retire_candidate(draft: Draft, desk: Desk) -> None:
    """Stop the candidate; no host has heard of it."""
    retired, desk.candidate = desk.candidate, None
    retire(draft, desk, retired)


def retire_serving(draft: Draft, desk: Desk) -> None:
    """Drain what serves."""
    retired, desk.serving = desk.serving, None
    retire(draft, desk, retired)


def retire(draft: Draft, desk: Desk, retired: Release | None) -> None:
    """End all workers of a release that was taken off."""
    for slot in () if retired is None else retired.slots:
        if slot.worker is not None:
            draft.end(desk, slot.worker)


def tended(draft: Draft, desk: Desk, version: Release) -> Release:
    """Return the release with as many slots as wanted, and past failures forgiven where a worker was calm since."""
    count = desk.spec.workers
    if count > len(version.slots):
        version = release.grown(version, count)
    elif count < len(version.slots):
        version = shrunk(draft, desk, version, count)
    for number, slot in enumerate(version.slots):
        calm = calm_time(desk, slot)
        if calm is not None and calm <= draft.now:
            version = release.with_slot(version, number, Slot(slot.worker))
    return version


def shrunk(draft: Draft, desk: Desk, version: Release, count: int) -> Release:
    """Return the release with fewer slots; their workers end."""
    leaving = release.surplus(version, count, desk.workers)
    for number in leaving:
        worker = version.slots[number].worker
        if worker is not None:
            draft.end(desk, worker)
    kept = tuple(slot for number, slot in enumerate(version.slots) if number not in leaving)
    return release.with_slots(version, kept)


def promote(draft: Draft, desk: Desk) -> None:
    """Let the candidate serve when it may (rule 1)."""
    due = promotion_time(draft, desk)
    if desk.candidate is not None and due is not None and due <= draft.now:
        promoted, desk.candidate = release.promoted(desk.candidate, draft.now), None
        retire_serving(draft, desk)
        desk.serving = promoted


def promotion_time(draft: Draft, desk: Desk) -> float | None:
    """Return when the candidate may serve as things stand, None as long as something has to happen first.

    A pause keeps a version from being replaced; it does not keep the first one from serving.
    """
    candidate = desk.candidate
    if candidate is None or (draft.is_paused and desk.serving is not None):
        return None
    ready = release.ready_workers(candidate, desk.workers)
    serves = bool(release.ready_workers(desk.serving, desk.workers))
    if len(ready) < len(candidate.slots):
        if serves or not ready or candidate.first_spawn_at is None:
            return None
        return candidate.first_spawn_at + desk.spec.start_timeout
    if not serves or not ready:
        return draft.now
    return max(desk.workers[worker].since for worker in ready) + desk.spec.update.min_ready


def end_drains(draft: Draft, desk: Desk) -> None:
    """Stop the draining workers whose deadline is over; the end of everything shortens it (rule 10)."""
    for worker in tuple(desk.workers.values()):
        if worker.drain_until is None:
            continue
        ends = worker.drain_until
        if draft.shutdown_at is not None:
            ends = min(ends, drain.until(desk.spec, draft.now, draft.shutdown_at))
            desk.workers[worker.id] = draining_until(worker, ends)
        if ends <= draft.now:
            draft.move(desk, worker, Trigger.STOP)


def calm_time(desk: Desk, slot: Slot) -> float | None:
    """Return when the slot's failures are forgiven, None if there is nothing to forgive or no worker that is calm."""
    if slot.failures == 0 or slot.worker is None:
        return None
    worker = desk.workers[slot.worker]
    return backoff.calm_at(worker, desk.spec.restart) if worker.phase is Phase.READY else None


def look_again(draft: Draft, desk: Desk) -> float | None:
    """Return when something will be due for the plugin though nothing happens to it."""
    times = [promotion_time(draft, desk), probation.proves_at(desk)]
    for version in (desk.serving, desk.candidate):
        if version is not None:
            times += [slot.retry_at if slot.worker is None else calm_time(desk, slot) for slot in version.slots]
    times += [worker.drain_until for worker in desk.workers.values()]
    return min([time for time in times if time is not None and time > draft.now], default=None)
