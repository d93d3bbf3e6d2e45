"""One event goes in: what it says is written down. What follows from it is left to `plan`.

Facts about workers are folded here, facts about the world in `scope`. What the table of phases ignores leaves no trace.
"""

from controller.core import backoff, desired, ids, pod, probation, release, scope
from controller.core.desk import Desk, Place, identified
from controller.core.draft import Draft
from controller.core.events import (
    ConfigMissing,
    ConfigRead,
    ConfigRejected,
    Drained,
    Event,
    Failed,
    MemoryExceeded,
    PodNoted,
    RestartRequested,
    ShutdownRequested,
    Started,
    Stopped,
    Tick,
    Unhealthy,
    VolumeScanned,
)
from controller.core.model import Duplicate, Exit, Phase, PluginKey, Worker
from controller.core.phases import Trigger
from controller.core.reasons import Reason

WorkerEvent = Started | Failed | Unhealthy | MemoryExceeded | Stopped | Drained


def fold(draft: Draft, event: Event) -> None:
    """Write down what an event says."""
    match event:
        case Started() | Failed() | Unhealthy() | MemoryExceeded() | Stopped() | Drained():
            fold_worker(draft, event)
        case RestartRequested(plugin):
            restart(draft, plugin)
        case ShutdownRequested(grace):
            scope.shut_down(draft, grace)
        case Tick():
            pass  # deadlines are looked at in every step
        case ConfigRead() | ConfigRejected() | ConfigMissing() | PodNoted() | VolumeScanned():  # pragma: no branch
            if draft.shutdown_at is None:
                fold_world(draft, event)


def fold_world(draft: Draft, event: ConfigRead | ConfigRejected | ConfigMissing | PodNoted | VolumeScanned) -> None:
    """Write down what was seen of the config, the volume or the pod."""
    match event:
        case ConfigRead(config):
            scope.take_config(draft, config)
        case VolumeScanned(directories):
            scope.take_scan(draft, directories)
        case ConfigRejected() | ConfigMissing() | PodNoted():  # pragma: no branch - a closed union
            pass
    pod.note(draft, event)


def fold_worker(draft: Draft, event: WorkerEvent) -> None:
    """Write down what happened to a worker; one that is long gone is nobody's."""
    desk = draft.owner(event.worker)
    if desk is None:
        return
    worker = desk.workers[event.worker]
    match event:
        case Started():
            started(draft, desk, worker, event)
        case Failed(_, why):
            lost(draft, desk, worker, why, Trigger.FAILED)
        case Unhealthy(_, why):
            lost(draft, desk, worker, why, Trigger.UNHEALTHY)
        case MemoryExceeded():
            too_large(draft, desk, worker, event)
        case Stopped():
            lost(
                draft, desk, worker, Exit(Reason.EXITED, "ended, and nobody saw how", draft.clock.wall), Trigger.STOPPED
            )
        case Drained():  # pragma: no branch - a closed union
            draft.move(desk, worker, Trigger.DRAINED)


def started(draft: Draft, desk: Desk, worker: Worker, event: Started) -> None:
    """Write down that a worker is up; then see whether it may be who it says it is (rule 8)."""
    place = desk.place(worker.id)
    if place is None or not draft.move(desk, worker, Trigger.STARTED):
        return
    up = desk.workers[worker.id] = identified(desk.workers[worker.id], event.pid, event.reported)
    known = place.release.reported
    if known is not None and known.id != event.reported.id:
        message = f"reports the id {event.reported.id!r}, another worker of this version {known.id!r}"
        lost(draft, desk, up, Exit(Reason.ID_MISMATCH, message, draft.clock.wall), Trigger.STOP)
    else:
        claim(draft, desk, up, place)


def claim(draft: Draft, desk: Desk, worker: Worker, place: Place) -> None:
    """Hold the id that the worker reports, or refuse the plugin over it."""
    holder = ids.other_holder(draft, desk, worker.reported)
    if holder is None:
        desk.put(place, release.with_report(place.release, worker.reported))
    elif place.is_serving:
        refused = desired.refusal(Duplicate(worker.version, worker.reported.id, holder))
        lost(draft, desk, worker, Exit(refused.reason, refused.message, draft.clock.wall), Trigger.STOP)
    elif ids.gives_way(draft, holder, desk):
        ids.refuse(draft.open(holder), worker.reported.id, desk.key)
        desk.put(place, release.with_report(place.release, worker.reported))
    else:
        ids.refuse(desk, worker.reported.id, holder)


def lost(draft: Draft, desk: Desk, worker: Worker, why: Exit, trigger: Trigger) -> None:
    """Write down that a worker is no use any more. It is a failure if it had a slot, else it was going anyway."""
    place = desk.place(worker.id)
    if not draft.move(desk, worker, trigger) or place is None:
        return
    restart = desk.spec.restart
    was_calm = worker.phase is Phase.READY and draft.now >= backoff.calm_at(worker, restart)
    slot = backoff.failed(
        place.release.slots[place.number], was_calm=was_calm, restart=restart, policy=draft.policy, clock=draft.clock
    )
    desk.last_exit = why
    desk.put(place, release.with_slot(place.release, place.number, slot))
    if backoff.is_looping(slot, draft.policy):
        looping(draft, desk, place)


def looping(draft: Draft, desk: Desk, place: Place) -> None:
    """Draw the consequences of a crash loop: the id is let go (rule 8), a version in probation is held (rule 6)."""
    version = desk.serving if place.is_serving else desk.candidate
    if version is not None and not release.ready_workers(version, desk.workers):
        desk.put(place, release.with_report(version, None))
    if place.is_serving and not draft.is_paused:
        probation.hold(desk, draft.now)


def too_large(draft: Draft, desk: Desk, worker: Worker, event: MemoryExceeded) -> None:
    """Replace a worker over its memory limit: drained if it serves, killed if it is far over."""
    if event.ratio >= draft.policy.memory_kill_ratio and worker.phase is not Phase.STOPPING:
        lost(draft, desk, worker, event.exit, Trigger.KILL)
    else:
        lost(draft, desk, worker, event.exit, Trigger.DRAIN if worker.served else Trigger.STOP)


def restart(draft: Draft, plugin: PluginKey) -> None:
    """Want fresh workers of the same version."""
    if draft.knows(plugin):
        desk = draft.open(plugin)
        desk.restart += 1
        scope.redecide(draft, desk)
