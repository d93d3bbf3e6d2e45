"""What an operator reads about one plugin: Ready, Progressing, Degraded, Verified, each with a reason and a text.

Derived anew from the record whenever it changes; only `since` is remembered. Texts carry no times: they would change by
themselves. The next retry is a field of its own in the status.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from controller.core import probation, release
from controller.core.desk import Desk
from controller.core.draft import Draft
from controller.core.model import Condition, Off, Phase, Plugin, Refused, Release, Target
from controller.core.reasons import Reason

Finding = tuple[str, bool | None, Reason, str]  # type, status, reason, message
Said = tuple[Reason, str]

ALL_DONE: Final[Said] = (Reason.COMPLETE, "nothing is under way")
STARTING: Final[Said] = (Reason.STARTING, "workers are being started")
UPDATING: Final[Said] = (Reason.UPDATING, "another version is getting ready")
WAITING: Final[Said] = (Reason.PAUSED, "the config is paused, the candidate waits")
ROLLED_BACK: Final[Said] = (
    Reason.ROLLED_BACK,
    "the wanted version fell into a crash loop in its probation; the last good one is back until file or flags change",
)
OFF_TEXTS: Final[Mapping[Reason, str]] = {
    Reason.DISABLED: "the config disables it",
    Reason.REMOVED: "its file is gone from the volume",
    Reason.KIND_REMOVED: "its kind is gone from the config",
    Reason.SHUTTING_DOWN: "the controller stops everything",
}


@dataclass(slots=True)
class Look:
    """What the findings about one plugin share."""

    desk: Desk
    is_paused: bool
    ready: int  # workers that serve
    serving_trouble: Said | None
    candidate_trouble: Said | None


def of_plugin(draft: Draft, desk: Desk) -> tuple[Condition, ...]:
    """Return the plugin's conditions."""
    look = Look(
        desk,
        draft.is_paused,
        len(release.ready_workers(desk.serving, desk.workers)),
        trouble(draft, desk, desk.serving),
        trouble(draft, desk, desk.candidate),
    )
    olds = desk.conditions or (None, None, None, None)
    wall = draft.clock.wall
    return (
        dated(ready(look), olds[0], wall),
        dated(progressing(look), olds[1], wall),
        dated(degraded(look), olds[2], wall),
        dated(verified(desk), olds[3], wall),
    )


def dated(finding: Finding, old: Condition | None, wall: float) -> Condition:
    """Return a finding as a condition, the former one if nothing is new; `since` moves only with the status."""
    kind, status, reason, message = finding
    if old is None or old.status is not status:
        return Condition(kind, status, reason, message, wall)
    if old.reason is reason and old.message == message:
        return old
    return Condition(kind, status, reason, message, old.since)


def is_wanted(plugin: Plugin | Desk) -> bool:
    """Tell whether the plugin counts in "3 of 4 are ready": all but what is off, and what is named and has no file."""
    return not isinstance(plugin.decision, Off) or (plugin.decision.reason is Reason.REMOVED and plugin.named)


def is_short(plugin: Plugin | Desk) -> bool:
    """Tell whether the plugin is wanted and not ready."""
    return is_wanted(plugin) and not (plugin.conditions and plugin.conditions[0].status)


def ready(look: Look) -> Finding:
    """All wanted workers serve."""
    text = count_text(look)
    if look.desk.serving is not None and look.ready >= look.desk.spec.workers:
        return ("Ready", True, Reason.SERVING, text)
    if look.ready:
        return ("Ready", False, Reason.PARTLY_READY, text)
    reason, message = why_nothing_serves(look)
    return ("Ready", False, reason, message)


def why_nothing_serves(look: Look) -> Said:
    """Return the reason: what was decided, else what its workers are at."""
    match look.desk.decision:
        case Off() as off:
            return off_text(look.desk, off)
        case Refused(reason, message) if look.desk.serving is None:
            return (reason, message)
        case _:
            return look.serving_trouble or look.candidate_trouble or STARTING


def progressing(look: Look) -> Finding:
    """Something is under way and goes well."""
    status, (reason, message) = progress(look)
    return ("Progressing", status, reason, message)


def progress(look: Look) -> tuple[bool, Said]:
    """Return whether it goes well, and what it is or what is in its way."""
    desk = look.desk
    if desk.candidate is not None:
        return new_version(look)
    if look.serving_trouble is not None:
        return False, look.serving_trouble
    if isinstance(desk.decision, Refused):
        return False, (desk.decision.reason, desk.decision.message)
    if desk.serving is not None and look.ready < len(desk.serving.slots):
        return True, STARTING
    draining = sum(worker.phase is Phase.DRAINING for worker in desk.workers.values())
    if draining:
        return True, (Reason.DRAINING, f"{draining} workers answer their last calls")
    return False, ROLLED_BACK if probation.is_rolled_back(desk) else ALL_DONE


def new_version(look: Look) -> tuple[bool, Said]:
    """Return how the candidate is doing."""
    if look.candidate_trouble is not None:
        return False, look.candidate_trouble
    if look.desk.serving is None:
        return True, STARTING
    return (False, WAITING) if look.is_paused else (True, UPDATING)


def degraded(look: Look) -> Finding:
    """It runs, but not as it is wanted, and that will not pass in a moment."""
    found = flaw(look)
    return ("Degraded", False, Reason.AS_EXPECTED, "") if found is None else ("Degraded", True, *found)


def flaw(look: Look) -> Said | None:
    """Return what is not as wanted, the gravest first."""
    desk = look.desk
    match desk.decision:
        case Off():
            return None
        case Refused(reason, message):
            return (reason, message)
        case Target():  # pragma: no branch - a closed union
            pass
    if probation.is_rolled_back(desk):
        return ROLLED_BACK
    problem = desk.problem or desk.spec.problem
    return running_flaw(look) or (None if problem is None else (problem.reason, problem.message))


def running_flaw(look: Look) -> Said | None:
    """Return what is wrong with the workers, though the version they are of is the wanted one or on its way."""
    if look.serving_trouble is not None:
        return look.serving_trouble
    if look.candidate_trouble is not None and look.candidate_trouble[0] is Reason.CRASH_LOOP:
        return look.candidate_trouble
    if look.desk.serving is not None and look.ready < look.desk.spec.workers:
        return (Reason.PARTLY_READY, count_text(look))
    return None


def count_text(look: Look) -> str:
    """Return how many serve."""
    return f"{look.ready} of {look.desk.spec.workers} workers serve"


def verified(desk: Desk) -> Finding:
    """The bytes on the volume are pinned ones; unknown where nothing is pinned."""
    match desk.decision:
        case Off() as off:
            return ("Verified", None, *off_text(desk, off))
        case Refused(Reason.DIGEST_MISMATCH, message):
            return ("Verified", False, Reason.DIGEST_MISMATCH, message)
        case Refused() | Target():  # pragma: no branch - a closed union
            pass
    if not desk.spec.pins:
        return ("Verified", None, Reason.NOT_PINNED, "no digest is pinned, any bytes are taken")
    if isinstance(desk.decision, Refused) and desk.problem is not None:
        return ("Verified", None, desk.decision.reason, desk.decision.message)
    return ("Verified", True, Reason.PIN_MATCHED, "the bytes on the volume are pinned")


def trouble(draft: Draft, desk: Desk, version: Release | None) -> Said | None:
    """Return why a version's workers do not come up: in a crash loop, or waiting for the next try."""
    worst, waits = 0, False
    for slot in () if version is None else version.slots:
        if slot.worker is None or desk.workers[slot.worker].phase is not Phase.READY:
            worst = max(worst, slot.failures)
            waits = waits or (slot.worker is None and slot.retry_at is not None and slot.retry_at > draft.now)
    if worst >= draft.policy.crash_loop_failures:
        return (Reason.CRASH_LOOP, f"failed {worst} times in a row{last_exit_text(desk)}")
    return (Reason.BACKING_OFF, f"failed, waits for the next try{last_exit_text(desk)}") if waits else None


def last_exit_text(desk: Desk) -> str:
    """Return the last exit as the end of a sentence."""
    last = desk.last_exit
    return "" if last is None else f", last with {last.reason}: {last.message}"


def off_text(desk: Desk, off: Off) -> Said:
    """Return why nothing of it runs."""
    if off.reason is Reason.REMOVED and desk.named:
        return (off.reason, f"there is no file {desk.name!r} on the volume, though the config names it")
    return (off.reason, OFF_TEXTS[off.reason])
