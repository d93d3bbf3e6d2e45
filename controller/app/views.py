"""What the HTTP side may see and ask, answered from the manager's state, the journal and the history."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from controller.core.events import RestartRequested
from controller.core.model import PluginKey
from controller.core.readiness import missing
from controller.http import Check, Checks
from controller.manager import status
from controller.manager.history import History
from controller.manager.journal import Journal
from controller.manager.manager import Manager
from controller.manager.resident import MemoryWatch

WATCH_LIMIT = 180.0  # seconds without a scan after which the volume's watch counts as dead
LINES_SHOWN = 20  # of one plugin, when it is asked for by name


@dataclass(frozen=True, slots=True)
class AppViews:
    """Implements `http.Views`. `watch_age` is the time in seconds since the volume watch last proved alive."""

    manager: Manager
    identity: status.Identity
    journal: Journal
    events: History
    memory: MemoryWatch
    watch_age: Callable[[], float]

    def status(self) -> dict[str, Any]:
        """The PluginPodStatus document, with the processes that a file would only tell too late."""
        return status.live(self.manager.state, self.identity, self.journal, self.memory.sizes())

    def document(self) -> dict[str, Any]:
        """The PluginPodStatus document as a file has it."""
        return status.document(self.manager.state, self.identity, self.journal, status.now())

    def plugin(self, key: str) -> dict[str, Any] | None:
        """One plugin, all of it."""
        name = PluginKey(key)
        if (plugin := self.manager.state.plugins.get(name)) is None:
            return None
        shape = status.plugin_status(plugin, status.now())
        shape["processes"] = status.processes(plugin, self.memory.sizes())
        shape["logs"] = self.journal.tail(name, LINES_SHOWN)
        return shape

    def history(self, key: str | None) -> list[dict[str, Any]]:
        """What happened, oldest first."""
        return [entry.as_dict() for entry in self.events.entries(PluginKey(key) if key else None)]

    def logs(self, key: str, *, previous: bool) -> list[dict[str, Any]] | None:
        """The ring; `previous` leaves out the workers that live."""
        name = PluginKey(key)
        plugin = self.manager.state.plugins.get(name)
        lines = self.journal.lines(name)
        if plugin is None and not lines:
            return None
        alive = plugin.workers if plugin and previous else {}
        return [line.as_dict() for line in lines if line.worker not in alive]

    async def follow(self, key: str) -> AsyncGenerator[dict[str, Any], None]:
        """What the ring holds, then what comes."""
        async with aclosing(self.journal.follow(PluginKey(key))) as lines:
            async for line in lines:
                yield line.as_dict()

    def restart(self, key: str) -> bool:
        """Ask for fresh workers."""
        name = PluginKey(key)
        if name not in self.manager.state.plugins:
            return False
        self.manager.submit(RestartRequested(name))
        return True

    def livez(self) -> Checks:
        """That this answers says that the loop turns; the watch's thread can die on its own."""
        age = self.watch_age()
        stale = f"the volume was last scanned {age:.0f} s ago" if age > WATCH_LIMIT else ""
        return (Check("loop", ok=True), Check("volume", ok=not stale, why=stale))

    def readyz(self) -> Checks:
        """Whether the pod may be sent work."""
        lacking = missing(self.manager.state)
        return tuple(Check("ready", ok=False, why=each) for each in lacking) or (Check("ready", ok=True),)
