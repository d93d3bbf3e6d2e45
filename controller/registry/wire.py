"""Messages as the wire has them, and back: nothing here keeps anything."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from controller.core.model import Digest, LaunchId, PluginKey, Reported, Version, WorkerId
from controller.manager.handle import PluginHandle
from controller.manager.host_messages import (
    HostMessage,
    RegisterMessage,
    UnregisterMessage,
    UpdateMessage,
)
from controller.registry.ledger import Ledger
from controller.registry.pb import registry_pb2 as pb

LONGEST_NAME = 128  # of a host, in characters


def write(message: HostMessage, run_dir: Path) -> pb.WatchResponse:
    """Give the response for a message, without a sequence number."""
    match message:
        case RegisterMessage(plugin, version, workers, max_procs):
            return pb.WatchResponse(register=_register(plugin, version, workers, max_procs, run_dir))
        case UpdateMessage(plugin, version, workers, max_procs, draining):
            update = pb.Update(
                plugin=plugin,
                version=_version(version),
                workers=[_worker(each, run_dir) for each in workers],
                max_procs=max_procs,
                draining=draining,
            )
            return pb.WatchResponse(update=update)
        case UnregisterMessage(plugin, draining):
            return pb.WatchResponse(unregister=pb.Unregister(plugin=plugin, draining=draining))
        case _:
            return pb.WatchResponse(remove=pb.Remove(plugin=message.plugin, draining=message.draining))


def snapshot(ledger: Ledger, run_dir: Path) -> pb.WatchResponse:
    """Give the response with all that serves, without a sequence number."""
    plugins = [
        _register(plugin, each.version, each.workers, each.max_procs, run_dir)
        for plugin, each in ledger.serving.items()
    ]
    return pb.WatchResponse(snapshot=pb.Snapshot(plugins=plugins, removed=ledger.tombstones))


def read_version(version: pb.Version) -> Version:
    """Give the version."""
    return Version(Digest(version.digest), LaunchId(version.launch), version.restart)


def read_worker(worker: pb.Worker, plugin: PluginKey, version: Version, run_dir: Path) -> PluginHandle[None]:
    """Give a handle without an item; a socket's path is absolute in it."""
    is_path = worker.network == "unix" and not worker.address.startswith("@")
    return PluginHandle(
        worker=WorkerId(worker.id),
        plugin=plugin,
        version=version,
        pid=worker.pid,
        network=worker.network,
        address=os.path.join(run_dir, worker.address) if is_path else worker.address,  # noqa: PTH118 - stays text
        reported=Reported(worker.plugin_id, worker.display_name, worker.metadata),
        item=None,
        adapter=worker.adapter,
        concurrency=worker.concurrency or None,
    )


def _register(
    plugin: PluginKey, version: Version, workers: Iterable[PluginHandle[Any]], max_procs: int, run_dir: Path
) -> pb.Register:
    return pb.Register(
        plugin=plugin,
        version=_version(version),
        workers=[_worker(each, run_dir) for each in workers],
        max_procs=max_procs,
    )


def _version(version: Version) -> pb.Version:
    return pb.Version(digest=version.digest, launch=version.launch, restart=version.restart)


def _worker(handle: PluginHandle[Any], run_dir: Path) -> pb.Worker:
    address = handle.address
    if handle.network == "unix" and Path(address).is_relative_to(run_dir):
        address = str(Path(address).relative_to(run_dir))
    return pb.Worker(
        id=handle.worker,
        pid=handle.pid,
        network=handle.network,
        address=address,
        adapter=handle.adapter,
        concurrency=max(0, handle.concurrency or 0),
        plugin_id=_text(handle.reported.id),
        display_name=_text(handle.reported.display_name),
        metadata=_text(handle.reported.metadata),
    )


def _text(said: str) -> str:
    """What a foreign adapter says may hold half a surrogate pair, which protobuf refuses."""
    return said.encode(errors="replace").decode()
