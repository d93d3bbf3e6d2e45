"""One plugin while a step works at it: the fields of `Plugin`, writable, and what it was before.

It lives for one step only and nobody outside sees it. Writing fields in place keeps a step's cost low: a frozen
record is made once, at the end.
"""

from dataclasses import dataclass
from typing import NamedTuple

from controller.core.index import Ticket
from controller.core.model import (
    Condition,
    Decision,
    Duplicate,
    Exit,
    Phase,
    Plugin,
    PluginKey,
    PluginSpec,
    Problem,
    Release,
    Remembered,
    Reported,
    Target,
    Version,
    Worker,
    WorkerId,
)


class Place(NamedTuple):
    """A worker's slot."""

    is_serving: bool
    release: Release
    number: int


@dataclass(slots=True, eq=False)
class Desk:
    """See `Plugin` for the fields; `was` is the record before the step, None for a plugin just seen."""

    was: Plugin | None
    key: PluginKey
    kind: str
    name: str
    spec: PluginSpec
    decision: Decision
    serving: Release | None
    candidate: Release | None
    workers: dict[WorkerId, Worker]
    held: Version | None
    last_good: Target | None
    duplicate: Duplicate | None
    problem: Problem | None
    named: bool
    restart: int
    restarts: int
    has_served: bool
    last_exit: Exit | None
    conditions: tuple[Condition, ...]
    ticket: Ticket | None
    wake_at: float | None

    def place(self, worker: WorkerId) -> Place | None:
        """Return where the worker belongs, None if it only has to go."""
        for is_serving, release in ((True, self.serving), (False, self.candidate)):
            if release is not None:
                for number, slot in enumerate(release.slots):
                    if slot.worker == worker:
                        return Place(is_serving, release, number)
        return None

    def put(self, place: Place, release: Release) -> None:
        """Replace the release that a place is in."""
        if place.is_serving:
            self.serving = release
        else:
            self.candidate = release

    def record(self) -> Plugin:
        """Freeze it."""
        return Plugin(
            self.key,
            self.kind,
            self.name,
            self.spec,
            self.decision,
            self.serving,
            self.candidate,
            self.workers,
            self.held,
            self.last_good,
            self.duplicate,
            self.problem,
            self.named,
            self.restart,
            self.restarts,
            self.has_served,
            self.last_exit,
            self.conditions,
            self.ticket,
            self.wake_at,
        )


def desk_for(plugin: Plugin) -> Desk:
    """Open a plugin's record for writing."""
    return Desk(
        plugin,
        plugin.key,
        plugin.kind,
        plugin.name,
        plugin.spec,
        plugin.decision,
        plugin.serving,
        plugin.candidate,
        dict(plugin.workers),
        plugin.held,
        plugin.last_good,
        plugin.duplicate,
        plugin.problem,
        plugin.named,
        plugin.restart,
        plugin.restarts,
        plugin.has_served,
        plugin.last_exit,
        plugin.conditions,
        plugin.ticket,
        plugin.wake_at,
    )


def desk_of_new(kind: str, name: str, spec: PluginSpec, decision: Decision, memory: Remembered) -> Desk:
    """Begin the record of a plugin seen for the first time."""
    key = PluginKey(f"{kind}/{name}")
    return Desk(
        None,
        key,
        kind,
        name,
        spec,
        decision,
        serving=None,
        candidate=None,
        workers={},
        held=memory.held,
        last_good=memory.last_good,
        duplicate=None,
        problem=None,
        named=False,
        restart=0,
        restarts=0,
        has_served=False,
        last_exit=None,
        conditions=(),
        ticket=None,
        wake_at=None,
    )


def moved(worker: Worker, phase: Phase, now: float, drain_until: float | None = None) -> Worker:
    """Return the worker in another phase."""
    return Worker(
        worker.id, worker.plugin, worker.version, phase, now, drain_until, worker.served, worker.pid, worker.reported
    )


def draining_until(worker: Worker, drain_until: float) -> Worker:
    """Return a draining worker with another deadline."""
    return Worker(
        worker.id,
        worker.plugin,
        worker.version,
        worker.phase,
        worker.since,
        drain_until,
        worker.served,
        worker.pid,
        worker.reported,
    )


def announced(worker: Worker) -> Worker:
    """Return the worker as one that hosts were told of."""
    return Worker(
        worker.id, worker.plugin, worker.version, worker.phase, worker.since, None, True, worker.pid, worker.reported
    )


def identified(worker: Worker, pid: int, reported: Reported) -> Worker:
    """Return the worker with what its start has told."""
    return Worker(worker.id, worker.plugin, worker.version, worker.phase, worker.since, pid=pid, reported=reported)
