"""A conversation with the core: facts in, actions and messages out, time set by hand. Nothing answers by itself."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from controller.core.actions import Action, Kill, Start, Stop
from controller.core.events import (
    ConfigRead,
    Drained,
    Event,
    Failed,
    MemoryExceeded,
    RestartRequested,
    ShutdownRequested,
    Started,
    Stopped,
    Tick,
    Unhealthy,
    VolumeScanned,
)
from controller.core.memory import initial
from controller.core.model import (
    Binary,
    Clock,
    Condition,
    Config,
    Digest,
    Directory,
    Exit,
    Handshake,
    KindSpec,
    Launch,
    LaunchId,
    Limits,
    Memory,
    Phase,
    Plugin,
    PluginKey,
    PluginSpec,
    Policy,
    Problem,
    Reported,
    State,
    Version,
    WorkerId,
)
from controller.core.reasons import Reason
from controller.core.step import Step, step

if TYPE_CHECKING:
    from controller.core.messages import Message

LAUNCH = Launch(LaunchId("launch"), "standard", (), {}, "", Handshake("KEY", "value", (1,)), Limits())
CRASH = Exit(Reason.EXITED, "exited with code 1", 0.0, code=1)


def launch(name: str) -> Launch:
    return replace(LAUNCH, id=LaunchId(name))


def spec(**flags: Any) -> PluginSpec:
    return PluginSpec(**{"launch": LAUNCH, **flags})


def digest(content: str) -> Digest:
    return Digest(content.encode().hex().ljust(64, "0"))


def binary(name: str, content: str) -> Binary:
    return Binary(name, digest(content), f"/plugins/rule/{name}", f"/store/{digest(content)}")


def directory(files: Mapping[str, str], path: str = "/plugins/rule", **more: Any) -> Directory:
    return Directory(path, {name: binary(name, content) for name, content in files.items()}, **more)


def kind(plugins: Mapping[str, PluginSpec], name: str = "rule", default: PluginSpec | None = None) -> KindSpec:
    return KindSpec(name, f"/plugins/{name}", default or spec(), plugins)


def version(content: str, launched: str = "launch", restart: int = 0) -> Version:
    return Version(digest(content), LaunchId(launched), restart)


class World:
    """Keeps the state between the lines of a conversation; plugin names are of kind `rule` unless they have a slash."""

    def __init__(self, memory: Memory | None = None, policy: Policy | None = None, chance: float = 0.0) -> None:
        self.state: State = initial(policy or Policy(), memory or {})
        self.now = 1000.0
        self.chance = chance
        self.generation = 0
        self.last = Step(self.state)
        self.actions: list[Action] = []  # all so far
        self.messages: list[Message] = []

    # --- facts ---

    def send(self, event: Event) -> Step:
        self.last = step(self.state, event, Clock(self.now, self.now + 1e9, self.chance))
        self.state = self.last.state
        self.actions += self.last.actions
        self.messages += self.last.messages
        return self.last

    def configure(self, *kinds: KindSpec, paused: bool = False, **plugins: PluginSpec) -> Step:
        self.generation += 1
        every = kinds or (kind({name.replace("_", "-"): flags for name, flags in plugins.items()}),)
        return self.send(ConfigRead(Config(self.generation, paused, {one.name: one for one in every})))

    def scan(self, *directories: Directory, problems: tuple[Problem, ...] = (), **files: str) -> Step:
        every = directories or (directory({name.replace("_", "-"): content for name, content in files.items()}),)
        return self.send(VolumeScanned({one.path: one for one in every}, problems))

    def started(self, worker: WorkerId, reported: str = "") -> Step:
        return self.send(Started(worker, int(worker[1:], 16) + 100, Reported(reported)))

    def failed(self, worker: WorkerId, why: Exit = CRASH) -> Step:
        return self.send(Failed(worker, why))

    def stopped(self, worker: WorkerId) -> Step:
        return self.send(Stopped(worker))

    def drained(self, worker: WorkerId) -> Step:
        return self.send(Drained(worker))

    def unhealthy(self, worker: WorkerId) -> Step:
        return self.send(Unhealthy(worker, Exit(Reason.UNHEALTHY, "no answer", 0.0)))

    def memory_exceeded(self, worker: WorkerId, ratio: float) -> Step:
        return self.send(MemoryExceeded(worker, ratio, Exit(Reason.MEMORY_LIMIT, "too large", 0.0)))

    def restart(self, name: str) -> Step:
        return self.send(RestartRequested(PluginKey(f"rule/{name}")))

    def shut_down(self, grace: float = 30.0) -> Step:
        return self.send(ShutdownRequested(grace))

    def after(self, seconds: float) -> Step:
        self.now += seconds
        return self.send(Tick())

    def crashed(self, worker: WorkerId) -> Step:
        """A crash and the end of its clean-up; the answer is the crash's."""
        crash = self.failed(worker)
        self.stopped(worker)
        self.last = crash
        return crash

    # --- answers ---

    def up(self, *, workers: int = 1, content: str = "one", **flags: Any) -> tuple[WorkerId, ...]:
        """Bring plugin `a` to serve with these flags; return its workers."""
        self.configure(a=spec(workers=workers, **flags))
        self.scan(a=content)
        for worker in self.starts():
            self.started(worker)
        return self.serving()

    def swapped(self, content: str) -> tuple[WorkerId, ...]:
        """Replace the bytes of plugin `a` and let the new version take over; return its workers."""
        self.scan(a=content)
        for worker in self.starts():
            self.started(worker)
        self.after(1.0)
        return self.serving()

    def plugin(self, name: str = "a") -> Plugin:
        return self.state.plugins[PluginKey(name if "/" in name else f"rule/{name}")]

    def has(self, name: str) -> bool:
        return f"rule/{name}" in self.state.plugins

    def serving(self, name: str = "a") -> tuple[WorkerId, ...]:
        plugin = self.plugin(name)
        slots = plugin.serving.slots if plugin.serving else ()
        return tuple(s.worker for s in slots if s.worker and plugin.workers[s.worker].phase is Phase.READY)

    def phases(self, name: str = "a") -> dict[WorkerId, Phase]:
        return {worker.id: worker.phase for worker in self.plugin(name).workers.values()}

    def starts(self) -> tuple[WorkerId, ...]:
        """The workers that the last step asked to start."""
        return tuple(action.worker for action in self.last.actions if isinstance(action, Start))

    def started_plugins(self) -> tuple[str, ...]:
        return tuple(action.plugin for action in self.last.actions if isinstance(action, Start))

    def stops(self) -> tuple[WorkerId, ...]:
        return tuple(action.worker for action in self.last.actions if isinstance(action, Stop))

    def kills(self) -> tuple[WorkerId, ...]:
        return tuple(action.worker for action in self.last.actions if isinstance(action, Kill))

    def condition(self, kind: str, name: str = "a") -> Condition:
        return next(condition for condition in self.plugin(name).conditions if condition.type == kind)

    def of_pod(self, kind: str) -> Condition | None:
        return next((condition for condition in self.state.conditions if condition.type == kind), None)


def bad_update(world: World, **flags) -> None:
    """Prove version one, swap in version two, and let it fall into a crash loop."""
    world.up(**flags)
    world.after(60.0)
    world.swapped("two")
    for _ in range(2):
        (worker,) = world.serving()
        world.crashed(worker)
        if not world.starts():
            world.after(0.5)
        world.started(world.starts()[0])
    world.crashed(world.serving()[0])


def two_plugins(world: World, workers: int = 1) -> None:
    world.configure(a=spec(workers=workers), b=spec(workers=workers))
    world.scan(a="one", b="two")


def first(world: World, name: str):
    return world.plugin(name).candidate.slots[0].worker
