"""What an operator reads about one plugin: Ready, Progressing, Degraded, Verified, each with a reason and a text.

Derived anew from the record whenever it changes; only `since` is remembered. Texts carry no times: they would change by
themselves. The next retry is a field of its own in the status.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from controller.core import release
from controller.core.desk import Desk
from controller.core.draft import Draft
from controller.core.model import Condition, Off, Phase, Plugin, Refused, Release, Slot, Target
from controller.core.reasons import Reason

Finding = tuple[str, bool | None, Reason, str]  # type, status, reason, message
Said = tuple[Reason, str]

ALL_DONE: Final[Said] = (Reason.COMPLETE, "nothing is under way")
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


def of_plugin(draft: Draft, desk: Desk) -> tuple[Condition, ...]:
    """Return the plugin's conditions."""
    findings = (ready(draft, desk), progressing(draft, desk), degraded(draft, desk), verified(desk))
    return dated(findings, desk.conditions, draft.clock.wall)


def dated(findings: Iterable[Finding], before: tuple[Condition, ...], wall: float) -> tuple[Condition, ...]:
    """Return findings as conditions; `since` moves only with the status."""
    return tuple(one_dated(finding, before, wall) for finding in findings)


def one_dated(finding: Finding, before: tuple[Condition, ...], wall: float) -> Condition:
    """Return one finding as a condition, the former one if nothing about it is new."""
    kind, status, reason, message = finding
    for old in before:
        if old.type == kind:
            if old.status is status and old.reason is reason and old.message == message:
                return old
            return Condition(kind, status, reason, message, old.since if old.status is status else wall)
    return Condition(kind, status, reason, message, wall)


def is_wanted(plugin: Plugin | Desk) -> bool:
    """Tell whether the plugin counts in "3 of 4 are ready": all but what is off, and what is named and has no file."""
    return not isinstance(plugin.decision, Off) or (plugin.decision.reason is Reason.REMOVED and plugin.named)


def is_short(plugin: Plugin | Desk) -> bool:
    """Tell whether the plugin is wanted and not ready."""
    return is_wanted(plugin) and not (plugin.conditions and plugin.conditions[0].status)


def ready(draft: Draft, desk: Desk) -> Finding:
    """All wanted workers serve."""
    count = len(release.ready_workers(desk.serving, desk.workers))
    text = f"{count} of {desk.spec.workers} workers serve"
    if desk.serving is not None and count >= desk.spec.workers:
        return ("Ready", True, Reason.SERVING, text)
    if count:
        return ("Ready", False, Reason.PARTLY_READY, text)
    reason, message = why_nothing_serves(draft, desk)
    return ("Ready", False, reason, message)


def why_nothing_serves(draft: Draft, desk: Desk) -> Said:
    """Return the reason: what was decided, else what its workers are at."""
    match desk.decision:
        case Off() as off:
            return off_text(desk, off)
        case Refused(reason, message) if desk.serving is None:
            return (reason, message)
        case _:
            return trouble(draft, desk, desk.serving or desk.candidate) or (
                Reason.STARTING,
                "workers are being started",
            )


def progressing(draft: Draft, desk: Desk) -> Finding:
    """Something is under way and goes well."""
    status, (reason, message) = progress(draft, desk)
    return ("Progressing", status, reason, message)


def progress(draft: Draft, desk: Desk) -> tuple[bool, Said]:
    """Return whether it goes well, and what it is or what is in its way."""
    current = desk.candidate or desk.serving
    stuck = trouble(draft, desk, current)
    if stuck is not None:
        return False, stuck
    if draft.is_paused and desk.candidate is not None and desk.serving is not None:
        return False, (Reason.PAUSED, "the config is paused, the candidate waits")
    if desk.candidate is not None:
        return True, new_version_text(desk)
    if isinstance(desk.decision, Refused):
        return False, (desk.decision.reason, desk.decision.message)
    if current is not None and len(release.ready_workers(current, desk.workers)) < len(current.slots):
        return True, (Reason.STARTING, "workers are being started")
    draining = sum(worker.phase is Phase.DRAINING for worker in desk.workers.values())
    if draining:
        return True, (Reason.DRAINING, f"{draining} workers answer their last calls")
    return False, ROLLED_BACK if desk.held is not None else ALL_DONE


def new_version_text(desk: Desk) -> Said:
    """Return what the candidate is for."""
    if desk.serving is None:
        return (Reason.STARTING, "workers are being started")
    return (Reason.UPDATING, "another version is getting ready")


def degraded(draft: Draft, desk: Desk) -> Finding:
    """It runs, but not as it is wanted, and that will not pass in a moment."""
    reason, message = flaw(draft, desk) or (Reason.AS_EXPECTED, "")
    return ("Degraded", reason is not Reason.AS_EXPECTED, reason, message)


def flaw(draft: Draft, desk: Desk) -> Said | None:
    """Return what is not as wanted, the gravest first."""
    if isinstance(desk.decision, Off):
        return None
    if isinstance(desk.decision, Refused):
        return (desk.decision.reason, desk.decision.message)
    if desk.held is not None:
        return ROLLED_BACK
    for version in (desk.serving, desk.candidate):
        stuck = trouble(draft, desk, version)
        if stuck is not None and (version is desk.serving or stuck[0] is Reason.CRASH_LOOP):
            return stuck
    count = len(release.ready_workers(desk.serving, desk.workers))
    if desk.serving is not None and count < desk.spec.workers:
        return (Reason.PARTLY_READY, f"{count} of {desk.spec.workers} workers serve")
    return None if desk.problem is None else (desk.problem.reason, desk.problem.message)


def verified(desk: Desk) -> Finding:
    """The bytes on the volume are pinned ones; unknown where nothing is pinned."""
    match desk.decision:
        case Off() as off:
            return ("Verified", None, *off_text(desk, off))
        case Refused(Reason.DIGEST_MISMATCH, message):
            return ("Verified", False, Reason.DIGEST_MISMATCH, message)
        case Refused() | Target():
            pass
    if not desk.spec.pins:
        return ("Verified", None, Reason.NOT_PINNED, "no digest is pinned, any bytes are taken")
    if isinstance(desk.decision, Refused) and desk.problem is not None:
        return ("Verified", None, desk.decision.reason, desk.decision.message)
    return ("Verified", True, Reason.PIN_MATCHED, "the bytes on the volume are pinned")


def trouble(draft: Draft, desk: Desk, version: Release | None) -> Said | None:
    """Return why a version's workers do not come up: in a crash loop, or waiting for the next try."""
    slots = () if version is None else version.slots
    worst = max((slot.failures for slot in slots if not is_up(desk, slot)), default=0)
    if worst >= draft.policy.crash_loop_failures:
        return (Reason.CRASH_LOOP, f"failed {worst} times in a row{last_exit_text(desk)}")
    if any(True for _ in release.waiting_slots(version, draft.now)):
        return (Reason.BACKING_OFF, f"failed, waits for the next try{last_exit_text(desk)}")
    return None


def is_up(desk: Desk, slot: Slot) -> bool:
    """Tell whether the slot has a ready worker."""
    return slot.worker is not None and desk.workers[slot.worker].phase is Phase.READY


def last_exit_text(desk: Desk) -> str:
    """Return the last exit as the end of a sentence."""
    last = desk.last_exit
    return "" if last is None else f", last with {last.reason}: {last.message}"


def off_text(desk: Desk, off: Off) -> Said:
    """Return why nothing of it runs."""
    if off.reason is Reason.REMOVED and desk.named:
        return (off.reason, f"there is no file {desk.name!r} on the volume, though the config names it")
    return (off.reason, OFF_TEXTS[off.reason])
