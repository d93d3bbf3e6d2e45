"""A manager with real processes, and an adapter that does what a test wants of it."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

from controller.core.events import ConfigRead, ShutdownRequested, VolumeScanned
from controller.core.memory import initial
from controller.core.model import Binary, Config, Directory, Handshake, Health, Limits, Policy
from controller.goplugin import HealthTicker
from controller.manager.adapter import Dispensed, PluginAdapter
from controller.manager.journal import Journal
from controller.manager.manager import Manager
from controller.manager.resident import MemoryWatch
from controller.manager.supervisor import Site
from controller.manager.watches import Watches
from controller.manager.workplace import Places
from tests.core.world import digest, kind, launch, spec
from tests.plugins import zoo

HANDSHAKE = Handshake(zoo.COOKIE_KEY, zoo.COOKIE_VALUE, (zoo.PROTOCOL_VERSION,))
DEADLINE = 20.0


class Standing(PluginAdapter):
    """An adapter that does what a test wants of it."""

    def __init__(self, answer=None):
        self.answer = answer
        self.stub = None  # of the last worker

    async def handshake(self, stub, plugin):
        self.stub = stub
        if self.answer is None:
            return Dispensed(stub)
        return await self.answer()


class House:
    """A manager and all that it needs; messages are kept, and nobody answers a drain by himself."""

    def __init__(self, root: Path, adapter: Standing, health: Health) -> None:
        self.root = root
        self.adapter = adapter
        self.messages: list = []
        self.changed = asyncio.Event()
        self.manager = Manager(initial(Policy(), {}), self.messages.append, (lambda *_: self.changed.set(),))
        self.ticker = HealthTicker()
        self.journal = Journal()
        memory = MemoryWatch(self.manager.submit)
        self.site = Site(
            instance=secrets.token_hex(8),  # leftovers are found by it: no two houses may share one
            places=Places(root / "work", root / "run"),
            adapter=lambda _: adapter,
            environment={"PATH": os.environ["PATH"]},
            journal=self.journal,
            watches=Watches(self.ticker, memory, lambda _: health, self.manager.submit),
            submit=self.manager.submit,
        )

    def want(self, program: str, env: dict[str, str] | None = None, limits: Limits | None = None, **flags) -> None:
        path = zoo.install(program, self.root / "volume", "a")
        made = launch(program)
        made = type(made)(made.id, "standard", (), env or {}, '{"x":1}', HANDSHAKE, limits or made.limits)
        directory = Directory("/plugins/rule", {"a": Binary("a", digest(program), str(path), str(path))})
        self.manager.submit(VolumeScanned({"/plugins/rule": directory}))
        self.manager.submit(ConfigRead(Config(1, False, {"rule": kind({"a": spec(launch=made, **flags)})})))

    @property
    def plugin(self):
        return self.manager.state.plugins.get("rule/a", SimpleNamespace(workers={}, last_exit=None, serving=None))

    async def until(self, fits: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not fits():
                self.changed.clear()
                await self.changed.wait()

    def told(self, sort: type) -> list:
        return [message for message in self.messages if isinstance(message, sort)]


@asynccontextmanager
async def house(root: Path, answer=None, health: Health = Health()) -> AsyncIterator[House]:  # noqa: B008 - frozen
    made = House(root, Standing(answer), health)
    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(made.ticker.run())
        running = group.create_task(made.manager.run(made.site))
        try:
            yield made
        finally:
            if not running.done():
                made.manager.submit(ShutdownRequested(1.0))
            await running
            ticking.cancel()
