"""The loop around the core: events in, one step at a time, messages out, then actions. One writer of one state.

Nothing here decides: `step` does. What this owns is the order of things and the supervisors' tasks.
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from controller.core.actions import Action, Kill, Start, Stop
from controller.core.events import Drained, Event, Stopped, Tick
from controller.core.model import Clock, State, WorkerId
from controller.core.readiness import is_finished
from controller.core.step import Step, step
from controller.manager.handle import PluginHandle
from controller.manager.host_messages import Notify, dress
from controller.manager.supervisor import Site, Supervisor

Observer: TypeAlias = Callable[[Event, State, Step, float], None]


class Manager:
    """Holds the state and runs until a shutdown has ended.

    `observers` see every step, in order, after its actions have begun: (event, state before, step, seconds it took).
    """

    def __init__(self, state: State, notify: Notify, observers: tuple[Observer, ...] = ()) -> None:
        self.state = state
        self._notify = notify
        self._observers = observers
        self._inbox: asyncio.Queue[Event] = asyncio.Queue()
        self._supervisors: dict[WorkerId, Supervisor] = {}
        self._waking: asyncio.TimerHandle | None = None

    def submit(self, event: Event) -> None:
        """Hand in a fact, from the loop's thread; it is stepped in order of arrival."""
        self._inbox.put_nowait(event)

    def handle(self, worker: WorkerId) -> PluginHandle[Any]:
        """The live side of a worker that has been up."""
        handle = self._supervisors[worker].handle
        if handle is None:
            raise RuntimeError(f"worker {worker} was announced before it was up")  # a bug in the core
        return handle

    def kill_all(self) -> None:
        """SIGKILL every worker, whatever is under way: the end of the grace, or a second SIGTERM."""
        for supervisor in self._supervisors.values():
            supervisor.kill()

    async def run(self, site: Site) -> None:
        """Turn until everything has been shut down; a bug in the core or a supervisor ends it with the exception."""
        async with asyncio.TaskGroup() as workers:
            while not is_finished(self.state):
                event = await self._inbox.get()
                self._turn(event, site, workers)
        if self._waking:
            self._waking.cancel()

    def _turn(self, event: Event, site: Site, workers: asyncio.TaskGroup) -> None:
        began = time.perf_counter()
        before, now = self.state, asyncio.get_running_loop().time()
        done = step(before, event, Clock(monotonic=now, wall=time.time(), chance=random.random()))  # noqa: S311  # jitter
        took = time.perf_counter() - began
        self.state = done.state
        if isinstance(event, Stopped):
            self._supervisors.pop(event.worker, None)
        self._announce(done)
        for action in done.actions:
            self._begin(action, site, workers)
        self._wake_at(done.wake_at)
        for observe in self._observers:
            observe(event, before, done, took)

    def _announce(self, done: Step) -> None:
        for message in done.messages:
            plugin = done.state.plugins.get(message.plugin)
            max_procs = plugin.spec.workers if plugin else 0  # 0: it is gone, and so are its workers
            self._notify(dress(message, self.handle, max_procs, self._drained))

    def _drained(self, worker: WorkerId) -> None:
        self.submit(Drained(worker))

    def _begin(self, action: Action, site: Site, workers: asyncio.TaskGroup) -> None:
        match action:
            case Start(worker):
                supervisor = self._supervisors[worker] = Supervisor(action, site)
                workers.create_task(supervisor.run(), name=f"supervise {worker}")
            case Stop(worker):
                self._supervisors[worker].stop(action)
            case Kill(worker):
                self._supervisors[worker].kill()

    def _wake_at(self, when: float | None) -> None:
        if self._waking:
            self._waking.cancel()
        loop = asyncio.get_running_loop()
        self._waking = None if when is None else loop.call_at(when, self.submit, Tick())
