"""What may be called at the moment: fed by the registry's messages, as the pool is.

Whoever lost its last worker without a drain has crashed: it's still listed, since it comes back, and a call waits for
it. Whoever was drained, or is gone from the volume, was switched off: it's not listed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from controller.manager.host_messages import (
    HostMessage,
    RegisterMessage,
    RemoveMessage,
    UnregisterMessage,
    UpdateMessage,
)
from examples.pipeline.about import About, read

MISSED = {
    "rule": "not evaluated",
    "matcher": "every event passes it",
    "enrichment": "skipped, and so is what depends on it",
    "formatter": "its alerts are printed whole",
    "tuning_rule": "skipped",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A plugin that is listed."""

    about: About
    version: object
    is_lost: bool = False


class Catalogue:
    """Takes messages by `sync`. `say` gets one line for each change that a reader wants to know of."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._entries: dict[str, Entry] = {}

    def sync(self, message: HostMessage) -> None:
        """Take over what a message says."""
        match message:
            case RegisterMessage() | UpdateMessage():
                self._list(message)
            case UnregisterMessage(draining=()):
                self._lose(message.plugin)
            case UnregisterMessage() | RemoveMessage():
                self.drop(message.plugin)

    def of(self, kind: str) -> dict[str, About]:
        """The plugins of a kind that are listed and want to be used, by name."""
        found = (entry.about for _, entry in sorted(self._entries.items()))
        return {about.name: about for about in found if about.kind == kind and about.is_enabled}

    def has(self, key: str) -> bool:
        """Whether it's listed."""
        return key in self._entries

    def named(self, kind: str, names: Iterable[str]) -> list[About]:
        """Those of the names that are listed, in the names' order."""
        listed = self.of(kind)
        return [listed[name] for name in dict.fromkeys(names) if name in listed]

    def drop(self, key: str) -> None:
        """It's gone until it is registered again."""
        if self._entries.pop(key, None):
            kind = key.partition("/")[0]
            self._say(f"{key} is gone: {MISSED.get(kind, 'not called')}")

    def is_lost(self, key: str) -> bool:
        """Whether it has no worker, and is expected back."""
        return key in self._entries and self._entries[key].is_lost

    def _lose(self, key: str) -> None:
        if (entry := self._entries.get(key)) and not entry.is_lost:
            self._entries[key] = Entry(entry.about, entry.version, is_lost=True)
            self._say(f"{key} has lost its last worker: calls wait for it")

    def _list(self, message: RegisterMessage | UpdateMessage) -> None:
        key, before = message.plugin, self._entries.get(message.plugin)
        about = read(key, message.workers[0].reported.metadata if message.workers else "")
        self._entries[key] = Entry(about, message.version)
        if before is None:
            self._say(f"{key} serves" + ("" if about.is_enabled else ", but says that it's not enabled: skipped"))
        elif before.version != message.version:
            self._say(f"{key} serves in a new version")
        elif before.is_lost:
            self._say(f"{key} is back")
