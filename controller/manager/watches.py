"""What is looked after while a worker is up: its health, and its memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from controller.core.actions import Start
from controller.goplugin import HealthTicker, Session
from controller.manager.memory import MemoryWatch


@dataclass(frozen=True, slots=True)
class Watches:
    """The controller's shared watches; a supervisor puts its worker under both."""

    health: HealthTicker
    memory: MemoryWatch

    @contextmanager
    def watching(self, start: Start, session: Session) -> Iterator[None]:
        """Look after the worker for the length of the block."""
        with self.memory.watching(start, session.pid):
            yield
