"""The channels of a host to its workers: one for each, opened before the first call, closed after the last."""

import asyncio
from dataclasses import replace
from typing import Any, Protocol

from controller.core.model import WorkerId
from controller.goplugin import Channel, open_channel
from controller.manager.handle import PluginHandle

GRACE_SECONDS = 5.0  # for calls in flight on a worker that vanished


class Item(Protocol):
    """What hosts call, a stub say, made from a worker's handle (without an item yet) and the channel to it."""

    def __call__(self, worker: PluginHandle[None], channel: Channel) -> Any:
        """Make it; no I/O."""
        ...


def bare(worker: PluginHandle[None], channel: Channel) -> Channel:
    """The default item: the channel itself."""
    del worker
    return channel


class Channels:
    """Owns the channels. Each is closed by a task of `group`, or at the latest by `close_all`."""

    def __init__(self, group: asyncio.TaskGroup, item: Item) -> None:
        self._group = group
        self._item = item
        self._open: dict[WorkerId, Channel] = {}

    def open(self, worker: PluginHandle[None]) -> PluginHandle[Any]:
        """Connect, and give the handle with its item."""
        channel = self._open[worker.worker] = open_channel(worker.network, worker.address)
        channel.get_state(try_to_connect=True)
        return replace(worker, item=self._item(worker, channel))

    def close(self, worker: WorkerId, grace: float | None = None) -> None:
        """Close the worker's channel, after `grace` seconds for the calls in flight."""
        if channel := self._open.pop(worker, None):
            self._group.create_task(channel.close(grace), name=f"close {worker}")

    async def close_all(self) -> None:
        """Close what is open."""
        while self._open:
            _, channel = self._open.popitem()
            await channel.close()
