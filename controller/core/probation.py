"""Rule 6: a version that falls into a crash loop soon after its promotion is held, and the last good one comes back.

A version becomes the last good one once its probation is over and all its workers are ready, none in a crash loop: time
alone proves nothing of a version that is down when it ends.
"""

from controller.core import backoff, desired, release, scope
from controller.core.desk import Desk
from controller.core.model import Policy, Target


def ends_at(desk: Desk) -> float | None:
    """Return when the probation of what serves is over."""
    promoted_at = None if desk.serving is None else desk.serving.promoted_at
    return None if promoted_at is None else promoted_at + desk.spec.update.probation


def is_rolled_back(desk: Desk) -> bool:
    """Tell whether the last good version stands in for a held one."""
    return desk.held is not None and isinstance(desk.decision, Target) and desk.decision.version != desk.held


def hold(desk: Desk, now: float) -> None:
    """Go back to the last good version if what crashes is wanted and in probation, and there is one to go to."""
    end = ends_at(desk)
    wanted = desk.decision
    if desk.serving is None or end is None or now >= end or not isinstance(wanted, Target):
        return
    version = desk.serving.target.version
    if wanted.version == version and desired.can_roll_back(version, desk.spec, desk.last_good):
        desk.held = version
        desk.decision = scope.with_lessons(desk, wanted)


def proves_at(desk: Desk) -> float | None:
    """Return when what serves may become the last good version, None if it is."""
    return None if desk.serving is None or desk.serving.target == desk.last_good else ends_at(desk)


def prove(desk: Desk, policy: Policy, now: float) -> None:
    """Remember what serves as the last good version once it has proved itself."""
    end = proves_at(desk)
    if desk.serving is None or end is None or now < end:
        return
    slots = desk.serving.slots
    all_ready = len(release.ready_workers(desk.serving, desk.workers)) == len(slots)
    if all_ready and not any(backoff.is_looping(slot, policy) for slot in slots):
        desk.last_good = desk.serving.target
