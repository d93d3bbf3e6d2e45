"""Who was told of which worker, and who still owes an answer for a draining one. Sync, no I/O, one owner.

Only a host that was told of a worker owes. A host is gone two seconds after its connection was lost, and its debts are
void; until then they are kept, also those of drains that begin meanwhile. What a new connection of the same host does
not own up to in its Hello is void two seconds later too: it is its former self's. Once the controller ends, half a
second has to do: the kubelet leaves a sidecar two seconds in all, if the app has used up the pod's grace.
"""

from collections.abc import Iterable, KeysView
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType
from typing import Any

from controller.core.model import PluginKey, Version, WorkerId
from controller.manager.handle import PluginHandle
from controller.manager.host_messages import HostMessage, OnDrained, RegisterMessage, RemoveMessage, UpdateMessage

GONE_SECONDS = 2.0
HURRIED_SECONDS = 0.5
MOST_TOMBSTONES = 4096


@dataclass(frozen=True, slots=True)
class Serving:
    """What one plugin serves with."""

    version: Version
    workers: tuple[PluginHandle[Any], ...]
    max_procs: int


@dataclass(slots=True)
class Host:
    """What one host was told of, serving workers only, and what it owes: each debt with the time when it is void."""

    told: set[WorkerId] = field(default_factory=set)
    debts: dict[WorkerId, float] = field(default_factory=dict)
    gone_at: float = inf  # inf: it is connected


@dataclass(slots=True)
class Drain:
    """A draining worker that somebody owes."""

    debtors: set[str]
    on_drained: OnDrained


class Ledger:
    """Fed with messages and with what hosts do; answers each drain once, from within the call that settles it.

    `now` is a monotonic time in seconds and never goes back.
    """

    def __init__(self) -> None:
        self._serving: dict[PluginKey, Serving] = {}
        self._tombstones: dict[PluginKey, None] = {}
        self._hosts: dict[str, Host] = {}
        self._drains: dict[WorkerId, Drain] = {}
        self._gone_after = GONE_SECONDS

    @property
    def serving(self) -> MappingProxyType[PluginKey, Serving]:
        """What serves now, by plugin."""
        return MappingProxyType(self._serving)

    @property
    def tombstones(self) -> tuple[PluginKey, ...]:
        """The plugins that were removed and have not come back, the latest ones."""
        return tuple(self._tombstones)

    @property
    def hosts(self) -> KeysView[str]:
        """The names of all that are connected or may come back."""
        return self._hosts.keys()

    def debtors(self, worker: WorkerId) -> frozenset[str]:
        """Who owes an answer for the worker."""
        drain = self._drains.get(worker)
        return frozenset(drain.debtors) if drain else frozenset()

    def take(self, message: HostMessage) -> None:
        """Take over a message; what drains without a debtor is answered at once."""
        before = self._serving.pop(message.plugin, None)
        if isinstance(message, RegisterMessage | UpdateMessage):
            self._serving[message.plugin] = Serving(message.version, message.workers, message.max_procs)
        self._bury(message)
        draining = () if isinstance(message, RegisterMessage) else message.draining
        debtors = {worker: self._told_of(worker) for worker in draining}
        self._tell(before.workers if before else (), getattr(message, "workers", ()))
        if not isinstance(message, RegisterMessage):
            for worker in draining:
                self._drain(worker, debtors[worker], message.on_drained)

    def connected(self, host: str, holds: Iterable[WorkerId], now: float) -> None:
        """The host has (again) a connection, and is told of all that serves."""
        known = self._hosts.setdefault(host, Host())
        former = min(known.gone_at, now + self._gone_after)
        known.gone_at = inf
        known.debts = {worker: min(void, former) for worker, void in known.debts.items()}
        for worker in self._drains.keys() & set(holds):
            known.debts[worker] = inf
            self._drains[worker].debtors.add(host)
        known.told = {worker.worker for serving in self._serving.values() for worker in serving.workers}

    def disconnected(self, host: str, now: float) -> None:
        """The host's connection is lost; it has two seconds to come back."""
        self._hosts[host].gone_at = now + self._gone_after

    def hurry(self, now: float) -> None:
        """The controller ends: who is lost, or will be, has half a second to come back."""
        self._gone_after = HURRIED_SECONDS
        latest = now + HURRIED_SECONDS
        for host in self._hosts.values():
            if host.gone_at != inf:
                host.gone_at = min(host.gone_at, latest)
            host.debts = {worker: void if void == inf else min(void, latest) for worker, void in host.debts.items()}

    def answered(self, host: str, worker: WorkerId) -> bool:
        """The host will not call the worker any more; False: it was neither told of it nor owed for it."""
        known = self._hosts.get(host)
        if known is None or (worker not in known.told and worker not in known.debts):
            return False
        known.told.discard(worker)
        known.debts.pop(worker, None)
        self._settle(host, worker)
        return True

    def ended(self, worker: WorkerId) -> None:
        """The worker's process is gone: whoever owes for it owes nothing, and nobody is told."""
        drain = self._drains.pop(worker, None)
        for host in drain.debtors if drain else ():
            self._hosts[host].debts.pop(worker, None)

    def look(self, now: float) -> None:
        """Void what is due."""
        for name, host in list(self._hosts.items()):
            void = [worker for worker, at in host.debts.items() if min(at, host.gone_at) <= now]
            if host.gone_at <= now:
                del self._hosts[name]
            for worker in void:
                del host.debts[worker]
            for worker in void:
                self._settle(name, worker)

    def due_at(self) -> float:
        """When to look again; inf: no need."""
        times = (min(host.gone_at, *host.debts.values(), inf) for host in self._hosts.values())
        return min(times, default=inf)

    def _bury(self, message: HostMessage) -> None:
        self._tombstones.pop(message.plugin, None)
        if isinstance(message, RemoveMessage):
            self._tombstones[message.plugin] = None
            if len(self._tombstones) > MOST_TOMBSTONES:
                del self._tombstones[next(iter(self._tombstones))]

    def _told_of(self, worker: WorkerId) -> set[str]:
        return {name for name, host in self._hosts.items() if worker in host.told}

    def _tell(self, before: Iterable[PluginHandle[Any]], after: Iterable[PluginHandle[Any]]) -> None:
        """Hosts that are connected hear of what is new; what serves no more, nobody calls."""
        old = {handle.worker for handle in before}
        new = {handle.worker for handle in after}
        for host in self._hosts.values():
            host.told -= old - new
            if host.gone_at == inf:
                host.told |= new

    def _drain(self, worker: WorkerId, debtors: set[str], on_drained: OnDrained) -> None:
        for name in debtors:
            host = self._hosts[name]
            host.debts[worker] = inf
        if debtors:
            self._drains[worker] = Drain(debtors, on_drained)
        else:
            on_drained(worker)

    def _settle(self, host: str, worker: WorkerId) -> None:
        drain = self._drains.get(worker)
        if drain is None:
            return
        drain.debtors.discard(host)
        if not drain.debtors:
            del self._drains[worker]
            drain.on_drained(worker)
