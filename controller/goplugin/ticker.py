"""The health of all running plugins: checked in shared ticks, counted against a threshold, told once.

Checks that are due about now go out together, some twenty at a time: one by one they cost three times as much, all at
once they would hold up everything else. Decides nothing about a plugin; the caller is told.
"""

import asyncio
from bisect import insort
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from controller.goplugin.failures import HealthError
from controller.goplugin.health import SERVING, Status
from controller.goplugin.session import Session

BATCH = 20

_GAP = 0.05  # seconds between two ticks when more than one batch is due
_DYING = 0.05  # seconds from a broken connection to the exit that explains it
_EARLY = 0.1  # of its period: how much before its time a check may go out in a tick that is there anyway


@dataclass(frozen=True, slots=True)
class Schedule:
    """How one plugin is checked, in seconds; `threshold` failures in a row make it unhealthy."""

    period: float
    timeout: float
    threshold: int
    watch: bool = False  # also listen to what the plugin says by itself, if it does


Ask: TypeAlias = Callable[[float], Coroutine[Any, Any, str]]
"""A question beside the health check: gets the seconds, keeps to them, gives what is wrong or an empty text."""


class Ward(Protocol):
    """What `watch` returns: the way to end it."""

    def close(self) -> None:
        """Check no more; idempotent."""


@dataclass(slots=True, eq=False)
class _Patient:
    session: Session
    asked: Callable[[], Schedule]
    on_unhealthy: Callable[[str], None]
    line: "list[_Patient]"  # all that wait, the next one first
    ask: Ask | None = None
    failures: int = 0
    due: float = 0.0
    is_closed: bool = False
    is_complaining: bool = False  # it said by itself that it is not serving
    listener: "asyncio.Task[None] | None" = field(default=None)

    @property
    def schedule(self) -> Schedule:
        return self.asked()

    def __lt__(self, other: "_Patient") -> bool:
        return self.due < other.due

    def close(self) -> None:
        self.is_closed = True
        with suppress(ValueError):  # it is being checked
            self.line.remove(self)  # at once: in its place in the line it would keep all of a dead plugin
        if self.listener is not None:
            self.listener.cancel()
            self.listener = None  # how it ended tells of us: a cycle


class HealthTicker:
    """Checks while `run` runs."""

    def __init__(self) -> None:
        """Begin without anything to check."""
        self._waiting: list[_Patient] = []
        self._changed = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None

    def watch(
        self,
        session: Session,
        schedule: Callable[[], Schedule],
        on_unhealthy: Callable[[str], None],
        ask: Ask | None = None,
    ) -> Ward:
        """Check a plugin until it is closed, exits, or has failed too often; `on_unhealthy` then is called, once.

        `schedule` is asked at each check, so that another one is taken over at the next. `ask` goes out with each
        check, and both must be well.
        """
        patient = _Patient(session, schedule, on_unhealthy, self._waiting, ask)
        self._put(patient, patient.schedule.period)
        self._begin_listening(patient)
        return patient

    async def run(self) -> None:
        """Check until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            for patient in self._waiting:
                self._begin_listening(patient)
            while True:
                batch = self._take()
                if batch:
                    self._group.create_task(self._check(batch), name=f"health of {len(batch)} plugins")
                    await asyncio.sleep(_GAP)
                else:
                    await self._wait()

    def _take(self) -> list[_Patient]:
        now = asyncio.get_running_loop().time()
        batch: list[_Patient] = []
        while self._waiting and len(batch) < BATCH:
            first = self._waiting[0]
            early = _EARLY * first.schedule.period if batch else 0.0
            if first.due - early > now:
                break
            del self._waiting[0]
            if not first.session.exit.done():
                batch.append(first)
        return batch

    async def _wait(self) -> None:
        self._changed.clear()
        limit = self._waiting[0].due - asyncio.get_running_loop().time() if self._waiting else None
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._changed.wait()

    async def _check(self, batch: list[_Patient]) -> None:
        # The shortest first: who hangs for longer holds up nobody's answer.
        batch = sorted(batch, key=lambda patient: patient.schedule.timeout)
        sent = [(patient, patient.session.begin_check(patient.schedule.timeout)) for patient in batch]
        asked = self._ask(batch)
        try:
            for patient, answer in sent:
                try:
                    await answer
                    if patient in asked:
                        await _judge(asked[patient])
                except HealthError as error:
                    await self._fail(patient, error.message)
                else:
                    patient.failures = 0
                    self._put(patient, patient.schedule.period)
        finally:
            for _, answer in sent:
                answer.close()
            for question in asked.values():
                question.cancel()

    def _ask(self, batch: list[_Patient]) -> "dict[_Patient, asyncio.Task[str]]":
        group = self._group
        if group is None:
            return {}
        name = "question to {}".format
        return {
            patient: group.create_task(patient.ask(patient.schedule.timeout), name=name(patient.session.pid))
            for patient in batch
            if patient.ask is not None
        }

    async def _fail(self, patient: _Patient, message: str) -> None:
        patient.failures += 1
        # A process that dies breaks its connection first, and its exit tells more.
        await asyncio.wait((patient.session.exit,), timeout=_DYING)
        if patient.is_closed or patient.session.exit.done():
            return
        if patient.failures < patient.schedule.threshold:
            # What a plugin says of itself is asked again sooner: it is no hiccup of the connection.
            hurry = patient.is_complaining
            self._put(patient, patient.schedule.timeout if hurry else patient.schedule.period)
            return
        patient.close()
        times = f" ({patient.failures} times in a row)" if patient.failures > 1 else ""
        patient.on_unhealthy(message + times)

    def _put(self, patient: _Patient, delay: float) -> None:
        if patient.is_closed:
            return
        patient.due = asyncio.get_running_loop().time() + delay
        insort(self._waiting, patient)
        self._changed.set()

    def _begin_listening(self, patient: _Patient) -> None:
        if patient.schedule.watch and self._group is not None:
            patient.listener = self._group.create_task(self._listen(patient), name=f"health of {patient.session.pid}")

    async def _listen(self, patient: _Patient) -> None:
        await patient.session.watch_health(lambda status: self._hear(patient, status))

    def _hear(self, patient: _Patient, status: Status) -> None:
        patient.is_complaining = status != SERVING
        if patient.is_complaining and patient in self._waiting:
            self._waiting.remove(patient)
            self._put(patient, 0.0)


async def _judge(question: "asyncio.Task[str]") -> None:
    if wrong := await question:
        raise HealthError(wrong)
