"""The slow clockwork: memory sampled, orphans reaped, the post-mortem record kept up to date."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from controller.app.post_mortem import PostMortem
from controller.core.model import State
from controller.goplugin import reap_adopted
from controller.manager.resident import PERIOD, MemoryWatch

ROUND = 5  # samples between two full looks


@dataclass(frozen=True, slots=True)
class Sampling:
    """Owns nothing; `run` is its task. `state` gives the manager's state at that moment."""

    memory: MemoryWatch
    post_mortem: PostMortem
    state: Callable[[], State]

    async def run(self) -> None:
        """Sample until cancelled."""
        while True:
            self.post_mortem.record(self.state(), self.memory.sizes())
            reap_adopted()
            for _ in range(ROUND):
                await asyncio.sleep(PERIOD)
                self.memory.sample()
