"""What a host knows of the registry: responses in, messages for its `Notify` out. No I/O.

A Snapshot after a reconnect is compared with what is known, so that `Notify` hears the difference and nothing else.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from controller.core.model import PluginKey, Version, WorkerId
from controller.manager.handle import PluginHandle
from controller.manager.host_messages import (
    HostMessage,
    OnDrained,
    RegisterMessage,
    RemoveMessage,
    UnregisterMessage,
    UpdateMessage,
)
from controller.registry import wire
from controller.registry.ledger import MOST_TOMBSTONES
from controller.registry.pb import registry_pb2 as pb

Open: TypeAlias = Callable[[PluginHandle[None]], PluginHandle[Any]]


@dataclass(frozen=True, slots=True)
class Known:
    """One plugin that serves."""

    version: Version
    workers: dict[WorkerId, PluginHandle[Any]]
    max_procs: int


class Mirror:
    """Each handle is made once, by `open`. Of a worker that neither serves nor drains any more, `vanished` is told."""

    def __init__(
        self, run_dir: Path, open_worker: Open, vanished: Callable[[WorkerId], None], on_drained: OnDrained
    ) -> None:
        self._run_dir = run_dir
        self._open = open_worker
        self._vanished = vanished
        self._on_drained = on_drained
        self._plugins: dict[PluginKey, Known] = {}
        self._removed: dict[PluginKey, None] = {}  # the latest ones, in their order
        self._draining: set[WorkerId] = set()

    @property
    def holds(self) -> list[WorkerId]:
        """Every worker that was told of and is not answered for."""
        serving = [worker for known in self._plugins.values() for worker in known.workers]
        return sorted({*serving, *self._draining})

    def drained(self, worker: WorkerId) -> bool:
        """Note the answer for a draining worker; False: it was not owed."""
        was_owed = worker in self._draining
        self._draining.discard(worker)
        return was_owed

    def read(self, response: pb.WatchResponse) -> Iterator[HostMessage]:
        """Give the messages that a response amounts to; take them one by one, and all."""
        match response.WhichOneof("message"):
            case "snapshot":
                yield from self._compare(response.snapshot)
            case "register":
                yield self._serve(response.register, ())
            case "update":
                yield self._serve(response.update, response.update.draining)
            case "unregister":
                yield self._end(PluginKey(response.unregister.plugin), response.unregister.draining, removed=False)
            case "remove":
                yield self._end(PluginKey(response.remove.plugin), response.remove.draining, removed=True)

    def _compare(self, snapshot: pb.Snapshot) -> Iterator[HostMessage]:
        serving = {PluginKey(each.plugin) for each in snapshot.plugins}
        removed = dict.fromkeys(map(PluginKey, snapshot.removed))
        no_more = [key for key in self._removed if key not in removed and key not in serving]
        newly = [key for key in removed if key not in self._removed and key not in self._plugins]
        for key in [*self._plugins.keys() - serving, *no_more, *newly]:
            known = self._plugins.get(key)
            yield self._end(key, known.workers if known else (), removed=key in removed)
        self._removed = removed
        for each in snapshot.plugins:
            listed = {worker.id for worker in each.workers}
            known = self._plugins.get(PluginKey(each.plugin))
            missing = [worker for worker in known.workers if worker not in listed] if known else []
            if known is None or missing or not self._is_known(each, known):
                yield self._serve(each, missing)

    def _is_known(self, plugin: pb.Register, known: Known) -> bool:
        return (
            wire.read_version(plugin.version) == known.version
            and plugin.max_procs == known.max_procs
            and len(plugin.workers) == len(known.workers)
        )

    def _serve(self, plugin: pb.Register | pb.Update, draining: Iterable[str]) -> HostMessage:
        key, version = PluginKey(plugin.plugin), wire.read_version(plugin.version)
        former = self._plugins.get(key)
        before = former.workers if former else {}
        handles = [wire.read_worker(each, key, version, self._run_dir) for each in plugin.workers]
        workers = {each.worker: before.get(each.worker) or self._open(each) for each in handles}
        self._plugins[key] = Known(version, workers, plugin.max_procs)
        self._removed.pop(key, None)
        going = self._leave(before, workers, draining)
        if former is None:
            return RegisterMessage(key, version, tuple(workers.values()), plugin.max_procs)
        return UpdateMessage(key, version, tuple(workers.values()), plugin.max_procs, going, self._on_drained)

    def _end(self, key: PluginKey, draining: Iterable[str], *, removed: bool) -> HostMessage:
        known = self._plugins.pop(key, None)
        going = self._leave(known.workers if known else {}, {}, draining)
        self._removed.pop(key, None)
        if removed:
            self._removed[key] = None
            if len(self._removed) > MOST_TOMBSTONES:
                del self._removed[next(iter(self._removed))]
            return RemoveMessage(key, going, self._on_drained)
        return UnregisterMessage(key, going, self._on_drained)

    def _leave(
        self, before: dict[WorkerId, Any], after: dict[WorkerId, Any], draining: Iterable[str]
    ) -> tuple[WorkerId, ...]:
        """Tell those that drain from those that vanished."""
        going = {WorkerId(each) for each in draining} & before.keys()
        self._draining |= going
        for worker in before.keys() - after.keys() - going:
            self._vanished(worker)
        return tuple(sorted(going))
