"""What hosts are told of a step: the difference between the serving workers before and after."""

from controller.core import release
from controller.core.desk import Desk
from controller.core.messages import Message, Register, Remove, Unregister, Update
from controller.core.model import Decision, Off, Phase, WorkerId
from controller.core.reasons import Reason


def difference(desk: Desk, after: tuple[WorkerId, ...]) -> Message | None:
    """Return the one message about a plugin, None if there is none; `after` are those that serve now."""
    was = desk.was
    before = () if was is None else release.ready_workers(was.serving, was.workers)
    if was is not None and is_removed(desk.decision) and not is_removed(was.decision):
        return Remove(desk.key, leaving(desk, before))
    if before == after:
        return None
    if desk.serving is None or not after:
        return Unregister(desk.key, leaving(desk, before))
    version = desk.serving.target.version
    if not before:
        return Register(desk.key, version, after)
    return Update(desk.key, version, after, leaving(desk, before))


def leaving(desk: Desk, before: tuple[WorkerId, ...]) -> tuple[WorkerId, ...]:
    """Return those that served and now answer their last calls."""
    return tuple(worker for worker in before if worker in desk.workers and desk.workers[worker].phase is Phase.DRAINING)


def is_removed(decision: Decision) -> bool:
    """Tell whether the file is gone."""
    return isinstance(decision, Off) and decision.reason is Reason.REMOVED
