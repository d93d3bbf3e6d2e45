"""States and steps written down by hand: what the core would make is the core's own test."""

from dataclasses import replace

import pytest

from controller.core.events import Event, Tick
from controller.core.model import (
    Binary,
    Condition,
    Digest,
    Handshake,
    Launch,
    LaunchId,
    Limits,
    Phase,
    Plugin,
    PluginKey,
    PluginSpec,
    Release,
    State,
    Target,
    Version,
    Worker,
    WorkerId,
)
from controller.core.reasons import Reason
from controller.core.step import Step
from controller.metrics import PluginManagerMetrics

HANDSHAKE = Handshake("K", "v", (1,))
LAUNCH = Launch(LaunchId("l"), "standard", (), {}, "", HANDSHAKE, Limits())


def target(digest: str = "a") -> Target:
    version = Version(Digest(digest * 64), LAUNCH.id)
    return Target(version, Binary("x", version.digest, "/p", "/s"), LAUNCH)


def worker(name: str = "w1", phase: Phase = Phase.READY, since: float = 0.0) -> Worker:
    return Worker(WorkerId(name), PluginKey("rule/x"), target().version, phase, since)


def plugin(key: str = "rule/x", *workers: Worker, **more: object) -> Plugin:
    kind, name = key.split("/")
    made = Plugin(PluginKey(key), kind, name, PluginSpec(LAUNCH), target(), workers={w.id: w for w in workers})
    return replace(made, **more)


def ready(*, status: bool, reason: Reason) -> tuple[Condition, ...]:
    return (Condition("Ready", status, reason, "", 0.0),)


def serving(digest: str = "a", **more: object) -> Release:
    return Release(target(digest), (), **more)


def state(*plugins: Plugin, **more: object) -> State:
    return State(plugins={each.key: each for each in plugins}, **more)


class Bench:
    """Feeds one step after the other, and reads samples back."""

    def __init__(self) -> None:
        self.now = 100.0
        self.memory: dict[WorkerId, int] = {}
        self.metrics = PluginManagerMetrics(
            version="1.2.3",
            resident=lambda: self.memory,
            ages={"volume": lambda: 7.5},
            clock=lambda: self.now,
            failures={"file": int},
        )
        self.state = State()

    def step(self, after: State, event: Event = Tick(), *actions: object, seconds: float = 0.00003) -> None:  # noqa: B008
        keys = set(self.state.plugins) | set(after.plugins)
        touched = {key for key in keys if self.state.plugins.get(key) is not after.plugins.get(key)}
        self.metrics.observe(event, self.state, Step(after, (), actions, frozenset(touched)), seconds)
        self.state = after

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"pluginmgr_{name}", labels)


@pytest.fixture
def bench() -> Bench:
    return Bench()
