"""What the plugins said: the last lines of each, for `logs` and the status, and every line into the controller's log.

Bounded in lines and characters per plugin; plugins are forgotten with `forget`; a slow follower loses the oldest.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from controller.core.model import PluginKey, WorkerId
from controller.goplugin import Record

log = logging.getLogger("plugin")

LINES = 500  # kept per plugin
CHARACTERS = 256 * 1024  # of them together
FOLLOWER_LINES = 1000  # waiting for one follower
LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One record of one worker."""

    worker: WorkerId
    record: Record

    @property
    def text(self) -> str:
        """The line as people read it: the message, then its fields."""
        return " ".join([self.record.message, *(f"{key}={value}" for key, value in self.record.fields.items())])

    def as_dict(self) -> dict[str, Any]:
        """The line as the control socket gives it out."""
        record = self.record
        shape = {"time": record.time, "worker": self.worker, "level": record.level, "stream": record.stream}
        return shape | {"message": record.message, "fields": dict(record.fields)}


@dataclass(slots=True)
class _Ring:
    """The last lines of one plugin, bounded in number and in size."""

    lines: deque[Line] = field(default_factory=deque)
    size: int = 0

    def put(self, line: Line) -> None:
        self.lines.append(line)
        self.size += len(line.text)
        while len(self.lines) > LINES or (self.size > CHARACTERS and len(self.lines) > 1):
            self.size -= len(self.lines.popleft().text)


class Journal:
    """The rings. One writer: the loop's thread."""

    def __init__(self) -> None:
        self._rings: dict[PluginKey, _Ring] = {}
        self._followers: dict[PluginKey, list[asyncio.Queue[Line | None]]] = {}

    def emit(self, plugin: PluginKey, worker: WorkerId, record: Record) -> None:
        """Take one record in."""
        line = Line(worker, record)
        self._rings.setdefault(plugin, _Ring()).put(line)
        self._hand_out(plugin, line)
        level = LEVELS.get(record.level, logging.INFO)
        if log.isEnabledFor(level):
            kind, _, name = plugin.partition("/")
            where = {"kind": kind, "plugin": name, "worker": worker, "stream": record.stream}
            log.log(level, "%s", record.message, extra=where | {"fields": dict(record.fields)})

    def lines(self, plugin: PluginKey) -> list[Line]:
        """All lines kept of the plugin, oldest first; empty if it never said anything."""
        ring = self._rings.get(plugin)
        return list(ring.lines) if ring else []

    def tail(self, plugin: PluginKey, count: int) -> list[str]:
        """The last messages, oldest first."""
        return [line.text for line in self.lines(plugin)[-count:]] if count else []

    async def follow(self, plugin: PluginKey) -> AsyncGenerator[Line, None]:
        """What is kept, then each line as it comes, until the plugin is forgotten."""
        queue: asyncio.Queue[Line | None] = asyncio.Queue(FOLLOWER_LINES)
        for kept in self.lines(plugin):
            queue.put_nowait(kept)
        followers = self._followers.setdefault(plugin, [])
        followers.append(queue)
        try:
            while (line := await queue.get()) is not None:
                yield line
        finally:
            followers.remove(queue)

    def forget(self, plugin: PluginKey) -> None:
        """Drop the plugin's lines and end those who follow it."""
        self._rings.pop(plugin, None)
        self._hand_out(plugin, None)
        self._followers.pop(plugin, None)

    def _hand_out(self, plugin: PluginKey, line: Line | None) -> None:
        for queue in self._followers.get(plugin, ()):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(line)
