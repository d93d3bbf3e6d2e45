"""The slow clockwork: memory sampled, orphans reaped, the post-mortem record kept up to date."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from controller.app.post_mortem import PostMortem
from controller.core.model import PluginKey, State
from controller.goplugin import reap_adopted, running
from controller.manager.memory import PERIOD, MemoryWatch
from controller.metrics import PluginManagerMetrics

ROUND = 5  # samples between two full looks


@dataclass(frozen=True, slots=True)
class Sampling:
    """Owns nothing; `run` is its task. `state` gives the manager's state at that moment."""

    memory: MemoryWatch
    metrics: PluginManagerMetrics
    post_mortem: PostMortem
    state: Callable[[], State]

    async def run(self) -> None:
        """Sample until cancelled."""
        while True:
            self._look()
            for _ in range(ROUND):
                await asyncio.sleep(PERIOD)
                self.memory.sample()

    def _look(self) -> None:
        state, sizes = self.state(), self.memory.sizes()
        used: dict[PluginKey, int] = {}
        for key, plugin in state.plugins.items():
            used[key] = sum(sizes.get(worker, 0) for worker in plugin.workers)
        self.metrics.resident(used)
        self.post_mortem.record(state, sizes)
        reap_adopted(running())
