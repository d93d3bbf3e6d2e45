"""What the pool promises, as a model of one plugin in the plainest words: who is entitled to a worker, who owes what.

It is told of everything at the moment it happens, and complains of what must not. The one rule of fairness: of those
that wait, the first as many as there is room for are entitled to a worker, and nobody else may begin. Between two turns
of the loop a timer may be due that has not fired yet; only then the model leaves both answers open.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from controller.pool import DrainingError, FullError, NotFoundError, RemovedError

UNLIMITED = 10**6


@dataclass(eq=False)
class Ticket:
    """One acquire or call."""

    number: int
    seconds: float | None
    is_call: bool = False
    is_idempotent: bool = False
    task: asyncio.Task[Any] | None = None
    deadline: float | None = None
    gate: asyncio.Future[None] | None = None  # while it runs
    worker: str | None = None  # while it runs
    given: BaseException | None = None  # what the last try was told to raise
    expected: type[BaseException] | None = None
    perhaps: set[type[BaseException]] = field(default_factory=set)
    is_cancelled: bool = False
    tries: int = 0
    is_ended: bool = False


class Model:
    """One plugin."""

    def __init__(self, now: Callable[[], float], max_waiting: int, eject_seconds: float) -> None:
        self.now = now
        self.max_waiting = max_waiting
        self.eject_seconds = eject_seconds
        self.state = "absent"
        self.is_closed = False
        self.listed: dict[str, int] = {}  # with their concurrency
        self.ejected: dict[str, float] = {}  # with the time of their return
        self.running: Counter[str] = Counter()
        self.waiting: list[Ticket] = []
        self.debts: set[tuple[int, str]] = set()  # message, worker
        self.problems: list[str] = []

    def room(self) -> int:
        """How many calls more may begin."""
        return sum(
            max(0, most - self.running[worker])
            for worker, most in self.listed.items()
            if self.ejected.get(worker, 0) <= self.now()
        )

    def is_exact(self) -> bool:
        """Whether no timer is due that may not have fired."""
        due = [ticket for ticket in self.waiting if ticket.deadline is not None and ticket.deadline <= self.now()]
        return not due and all(until > self.now() for until in self.ejected.values())

    # messages

    def lists(self, workers: dict[str, int]) -> None:
        owing = {worker for _, worker in self.debts}
        self.state = "serving"
        self._list({worker: most for worker, most in workers.items() if worker not in owing})

    def drains(self, message: int, workers: tuple[str, ...]) -> None:
        self._list({worker: most for worker, most in self.listed.items() if worker not in workers})
        self.debts |= {(message, worker) for worker in workers}

    def goes(self, state: str) -> None:
        self.state = state
        self._list({})
        for ticket in list(self.waiting):
            if state == "removed" or not ticket.is_idempotent:
                self.waiting.remove(ticket)
                ticket.expected = RemovedError if state == "removed" else NotFoundError

    def closes(self) -> None:
        self.is_closed = True
        for ticket in self.waiting:
            ticket.perhaps.add(DrainingError)

    def drained(self, message: int, worker: str) -> None:
        if (message, worker) not in self.debts:
            self.problems.append(f"{worker} was answered to message {message}, which was not owed")
        if self.running[worker]:
            self.problems.append(f"{worker} was answered while calls ran")
        self.debts.discard((message, worker))

    def _list(self, workers: dict[str, int]) -> None:
        self.listed = workers
        self.ejected = {worker: until for worker, until in self.ejected.items() if worker in workers}

    # calls

    def arrives(self, ticket: Ticket) -> None:
        if self.is_closed:
            ticket.expected = DrainingError
        elif self.state == "removed":
            ticket.expected = RemovedError
        elif self.state == "absent" and not ticket.is_idempotent:
            ticket.expected = NotFoundError
        elif len(self.waiting) >= self.max_waiting and (len(self.waiting) >= self.room() or not self.is_exact()):
            if self.is_exact():
                ticket.expected = FullError
            else:
                ticket.perhaps.add(FullError)
                self.waiting.append(ticket)
        else:
            self.waiting.append(ticket)

    def starts(self, ticket: Ticket, worker: str) -> None:
        self._judge_start(ticket, worker)
        if ticket in self.waiting:
            self.waiting.remove(ticket)
        self.running[worker] += 1
        ticket.worker = worker
        ticket.tries += 1

    def _judge_start(self, ticket: Ticket, worker: str) -> None:
        who = f"call {ticket.number} began on {worker}"
        if ticket not in self.waiting:
            self.problems.append(f"{who}, and was to end with {ticket.expected}")
            return
        if worker not in self.listed:
            self.problems.append(f"{who}, which is not listed")
        elif self.running[worker] >= self.listed[worker]:
            self.problems.append(f"{who}, which was busy")
        if self.ejected.get(worker, 0) > self.now():
            self.problems.append(f"{who}, which is ejected")
        ahead = self.waiting[: self.waiting.index(ticket)]
        ahead = [each for each in ahead if each.deadline is None or each.deadline > self.now()]
        if len(ahead) >= self.room():
            self.problems.append(f"{who} before {[each.number for each in ahead]}")

    def ends(self, ticket: Ticket, *, is_broken: bool) -> None:
        worker = ticket.worker or ""
        self.running[worker] -= 1
        ticket.worker = ticket.gate = None
        if is_broken and worker in self.listed and self.ejected.get(worker, 0) <= self.now():
            self.ejected[worker] = self.now() + self.eject_seconds

    def is_over(self, ticket: Ticket, error: BaseException | None) -> None:
        ticket.is_ended = True
        was_waiting = ticket in self.waiting
        if was_waiting:
            self.waiting.remove(ticket)
        if not self._may_end(ticket, error, was_waiting=was_waiting):
            self.problems.append(f"call {ticket.number} ended with {error!r}, {ticket}")

    def _may_end(self, ticket: Ticket, error: BaseException | None, *, was_waiting: bool) -> bool:
        if isinstance(error, asyncio.CancelledError):
            return ticket.is_cancelled or (error is ticket.given and not ticket.is_call)
        is_late = ticket.deadline is not None and ticket.deadline <= self.now()
        if is_late and isinstance(error, TimeoutError):
            return was_waiting or ticket.expected is not None or ticket.is_call
        too_late = ticket.is_idempotent and is_late and (ticket.tries > 0 or type(error) is NotFoundError)
        if ticket.expected or was_waiting:
            return type(error) in {ticket.expected, *ticket.perhaps} or too_late
        lost = ticket.is_call and error is not None and ticket.given is not None and error.__cause__ is ticket.given
        return error is ticket.given or lost

    # when nothing is ready to run

    def rests(self) -> None:
        """Look for what should have happened by now."""
        if self.waiting and self.room():
            self.problems.append(f"{[each.number for each in self.waiting]} wait and there is room for {self.room()}")
        if self.is_closed and self.waiting:
            self.problems.append(f"{[each.number for each in self.waiting]} wait and the pool is closed")
        for ticket in self.waiting:
            if ticket.deadline is not None and ticket.deadline <= self.now():
                self.problems.append(f"call {ticket.number} waits past its deadline")
        self.looks()

    def looks(self) -> None:
        """Look for what must hold at any time."""
        for message, worker in self.debts:
            if not self.running[worker]:
                self.problems.append(f"message {message} has no answer for {worker}, on which nothing runs")
        if any(count < 0 for count in self.running.values()):
            self.problems.append(f"less than nothing runs: {self.running}")
