"""Calls, cancels, crashes, messages and time in any order, the real pool beside the model, on virtual time.

What a rule does happens between two turns of the loop, or (`soon`) in the middle of the next one, among the tasks.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from controller.core.model import PluginKey, WorkerId
from controller.manager.handle import PluginHandle
from controller.manager.host_messages import RegisterMessage, RemoveMessage, UnregisterMessage, UpdateMessage
from controller.pool import ProcessPool
from controller.pool.faults import is_transport_error
from tests.pool.clock import VirtualLoop
from tests.pool.model import UNLIMITED, Model, Ticket
from tests.pool.words import OLD, application_error, handle, transport_error

KEYS = ("rule/x", "rule/y")
MOST_WAITING, EJECT_SECONDS = 3, 1.0
keys, soons, picks = st.sampled_from(KEYS), st.booleans(), st.integers(0, 30)
outcomes = st.sampled_from(["answer", "answer", "refusal", "broken", "closed"])
ERRORS: dict[str, Callable[[], BaseException]] = {
    "refusal": application_error,
    "broken": transport_error,
    "closed": asyncio.CancelledError,
}


class AnyOrder(RuleBasedStateMachine):
    """Every rule is something that may happen at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.pool: ProcessPool[str] = ProcessPool(max_waiting=MOST_WAITING, eject_seconds=EJECT_SECONDS)
        self.models = {key: Model(self.loop.time, MOST_WAITING, EJECT_SECONDS) for key in KEYS}
        self.tickets: list[tuple[str, Ticket]] = []
        self.known: dict[str, list[str]] = {key: [] for key in KEYS}  # every worker there ever was
        self.messages = 0
        self.closing: asyncio.Task[None] | None = None

    # calls

    @rule(key=keys, seconds=st.sampled_from([None, 0, 0.5, 2.0]))
    def acquire(self, key: str, seconds: float | None) -> None:
        ticket = Ticket(len(self.tickets), seconds)
        self._begin(key, ticket, lambda: self._acquire(key, ticket))

    @rule(key=keys, seconds=st.sampled_from([0.5, 2.0]), is_idempotent=st.sampled_from([True, True, False]))
    def call(self, key: str, seconds: float, *, is_idempotent: bool) -> None:
        ticket = Ticket(len(self.tickets), seconds, is_call=True, is_idempotent=is_idempotent)
        self._begin(key, ticket, lambda: self._call(key, ticket, seconds))

    @rule(key=keys, most=st.integers(1, 2))
    def crowd(self, key: str, most: int) -> None:
        """More calls than a plugin has room for: what is most worth a look happens there."""
        if not self.models[key].listed:
            self._serve(key, stay=7, crash=0, fresh=3 - most, again=None, most=most)
        self.acquire(key, None)
        self.call(key, 2.0, is_idempotent=True)
        self.acquire(key, 2.0)
        self.acquire(key, None)
        self.loop.turn()

    @precondition(lambda self: self._running())
    @rule(pick=picks, outcome=outcomes, soon=soons)
    def finish(self, pick: int, outcome: str, *, soon: bool) -> None:
        running = self._running()
        self._do(lambda: self._finish(running[pick % len(running)], outcome), soon=soon)

    @precondition(lambda self: self._alive())
    @rule(pick=picks, soon=soons)
    def cancel(self, pick: int, *, soon: bool) -> None:
        alive = self._alive()
        self._do(lambda: self._cancel(alive[pick % len(alive)]), soon=soon)

    @precondition(lambda self: self._first())
    @rule(pick=picks)
    def cancel_the_first(self, pick: int) -> None:
        """Of those that wait, that is who may just have been woken."""
        first = self._first()
        self._cancel(first[pick % len(first)])

    @precondition(lambda self: self._contended())
    @rule(pick=picks, then=st.sampled_from(["stop", "remove", "swap", "both", "starve", "cancel", "acquire", "break"]))
    def hand_over_and(self, pick: int, then: str) -> None:
        """End a call for which another waits, and let something happen before that one has woken up."""
        running = self._contended()
        key, ticket = running[pick % len(running)]
        self._finish((key, ticket), "answer")
        if then == "break":
            for entry in self._running():
                self._finish(entry, "broken")
        self.loop.call_soon(self._interfere, key, then, pick)

    @precondition(lambda self: self._contended(is_bounded=True))
    @rule(pick=picks, then=st.sampled_from(["stop", "remove", "swap", "both", "starve"]))
    def hand_over_too_late_and(self, pick: int, then: str) -> None:
        """As above, and before the other has woken up its time runs out too."""
        running = self._contended(is_bounded=True)
        key, ticket = running[pick % len(running)]
        self.loop.now = max(self.loop.now, self.models[key].waiting[0].deadline or 0)
        self.loop.call_soon(self.loop.call_soon, self._interfere, key, then, pick)
        self._finish((key, ticket), "answer")
        self.settle()

    @precondition(lambda self: not self.closing and len(self.tickets) > 5 and self._contended())
    @rule(pick=picks, then=st.sampled_from(["stop", "swap", "starve", "starve"]))
    def hand_over_while_closing_and(self, pick: int, then: str) -> None:
        """The closing sees a worker handed over; it is taken away before its new owner has woken up."""
        running = self._contended()
        key, ticket = running[pick % len(running)]
        self.loop.call_soon(self._close)
        self.loop.call_soon(self.loop.call_soon, self._interfere, key, then, pick)
        self._finish((key, ticket), "answer")
        self.settle()

    # messages

    @rule(
        key=keys,
        stay=st.sampled_from([7, 7, 7, *range(7)]),
        crash=st.integers(0, 7),
        fresh=st.integers(0, 2),
        again=st.one_of(st.none(), picks),
        most=st.sampled_from([1, 1, 2, None]),
        soon=soons,
    )
    def serve(self, **message: Any) -> None:
        self._do(lambda: self._serve(**message), soon=message.pop("soon"))

    @rule(key=keys, crash=st.integers(0, 7), is_removed=soons, again=st.one_of(st.none(), picks), soon=soons)
    def stop(self, **message: Any) -> None:
        self._do(lambda: self._stop(**message), soon=message.pop("soon"))

    @precondition(lambda self: not self.closing and len(self.tickets) > 5)
    @rule(pick=st.integers(0, 9))
    def close(self, pick: int) -> None:
        if not pick:
            self._close()

    # time

    @rule()
    def turn(self) -> None:
        self.loop.turn()

    @rule()
    def settle(self) -> None:
        self.loop.settle()
        for model in self.models.values():
            model.rests()
        self._compare()

    @rule(seconds=st.sampled_from([0.25, 0.5, 1.0]))
    def wait(self, seconds: float) -> None:
        self.loop.now += seconds

    @invariant()
    def nothing_is_wrong(self) -> None:
        for model in self.models.values():
            model.looks()
        problems = [problem for model in self.models.values() for problem in model.problems]
        assert problems == [], problems

    def teardown(self) -> None:
        """Let everything end: nothing may be left, and nothing may hang."""
        try:
            self.settle()
            if not self.closing:
                self._close()
            for _ in range(100):
                self.loop.settle()
                for _, ticket in self._running():
                    self._finish(("", ticket), "answer")
            assert not any(model.waiting for model in self.models.values()), "the pool is closed and calls wait"
            for key in KEYS:
                self._stop(key, crash=0, is_removed=False, again=None)
            self.settle()
            self.nothing_is_wrong()
            assert self._alive() == []
            assert self.closing
            assert self.closing.done()
            assert self.pool._pools == {}
            assert [timer for timer in self.loop._scheduled if not timer.cancelled()] == []
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.settle()
            self.loop.close()

    # how it is done

    def _do(self, what: Callable[[], object], *, soon: bool) -> None:
        if soon:
            self.loop.call_soon(what)
        else:
            what()

    def _begin(self, key: str, ticket: Ticket, work: Callable[[], Awaitable[None]]) -> None:
        ticket.task = self.loop.create_task(self._follow(key, ticket, work))
        self.tickets.append((key, ticket))

    async def _follow(self, key: str, ticket: Ticket, work: Callable[[], Awaitable[None]]) -> None:
        model = self.models[key]
        if ticket.seconds is not None:
            ticket.deadline = self.loop.time() + ticket.seconds
        model.arrives(ticket)
        try:
            await work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the model judges it, and nobody awaits the task
            model.is_over(ticket, error)
        else:
            model.is_over(ticket, None)

    async def _acquire(self, key: str, ticket: Ticket) -> None:
        async with self.pool.acquire(key, timeout=ticket.seconds) as worker:
            await self._hold(key, ticket, worker)

    async def _call(self, key: str, ticket: Ticket, seconds: float) -> None:
        async def method(worker: PluginHandle[Any]) -> None:
            try:
                await self._hold(key, ticket, worker)
            except BaseException as error:
                is_again = ticket.is_idempotent and is_transport_error(error)
                if is_again and self.loop.time() < (ticket.deadline or 0):
                    self.models[key].arrives(ticket)
                raise

        await self.pool.call(key, method, timeout=seconds, idempotent=ticket.is_idempotent)

    async def _hold(self, key: str, ticket: Ticket, worker: PluginHandle[Any]) -> None:
        model = self.models[key]
        model.starts(ticket, worker.worker)
        ticket.given, ticket.gate = None, self.loop.create_future()
        try:
            await ticket.gate
        except BaseException as error:
            is_broken = error is ticket.given and is_transport_error(error)
            model.ends(ticket, is_broken=is_broken)
            raise
        model.ends(ticket, is_broken=False)

    def _finish(self, entry: tuple[str, Ticket], outcome: str) -> None:
        ticket = entry[1]
        if ticket.gate is None or ticket.gate.done():
            return
        if outcome == "answer":
            ticket.gate.set_result(None)
        else:
            ticket.given = ERRORS[outcome]()
            ticket.gate.set_exception(ticket.given)

    def _cancel(self, entry: tuple[str, Ticket]) -> None:
        ticket = entry[1]
        if ticket.task and not ticket.is_ended:
            ticket.is_cancelled = True
            ticket.task.cancel()

    def _serve(self, key: str, stay: int, crash: int, fresh: int, again: int | None, most: int | None) -> None:
        model, known = self.models[key], self.known[key]
        old = list(model.listed)
        workers = [worker for position, worker in enumerate(old) if stay >> position & 1]
        draining = tuple(each for position, each in enumerate(old) if each not in workers and not crash >> position & 1)
        if again is not None and known:  # a worker of former times is listed, even one that drains
            workers.append(known[again % len(known)])
        workers += [f"{key[-1]}{len(known) + number}" for number in range(fresh)]
        known += workers[len(workers) - fresh :]
        live = tuple(handle(worker, key=key, concurrency=most) for worker in workers)
        was_serving = model.state == "serving"
        model.lists(dict.fromkeys(workers, most or UNLIMITED))
        if not was_serving:
            self.pool.sync(RegisterMessage(PluginKey(key), OLD, live, len(live)))
            return
        self._drains(key, draining)
        ids = tuple(map(WorkerId, draining))
        self.pool.sync(UpdateMessage(PluginKey(key), OLD, live, len(live), ids, self._on_drained(key)))

    def _stop(self, key: str, crash: int, *, is_removed: bool, again: int | None) -> None:
        model, known = self.models[key], self.known[key]
        draining = [each for position, each in enumerate(model.listed) if not crash >> position & 1]
        if again is not None:  # one that drains already, or crashed long ago, or never was
            draining.append(known[again % len(known)] if known and again else "unknown")
        model.goes("removed" if is_removed else "absent")
        self._drains(key, tuple(draining))
        message = RemoveMessage if is_removed else UnregisterMessage
        self.pool.sync(message(PluginKey(key), tuple(map(WorkerId, draining)), self._on_drained(key)))

    def _drains(self, key: str, draining: tuple[str, ...]) -> None:
        self.messages += 1
        self.models[key].drains(self.messages, draining)

    def _on_drained(self, key: str) -> Callable[[WorkerId], None]:
        message = self.messages
        return lambda worker: self.models[key].drained(message, worker)

    def _close(self) -> None:
        self.closing = self.loop.create_task(self._closed())

    async def _closed(self) -> None:
        for model in self.models.values():
            model.closes()
        await self.pool.close()
        for model in self.models.values():
            if model.running.total():
                model.problems.append("the pool is closed and calls run")

    def _running(self) -> list[tuple[str, Ticket]]:
        return [entry for entry in self.tickets if entry[1].gate is not None and not entry[1].gate.done()]

    def _alive(self) -> list[tuple[str, Ticket]]:
        return [entry for entry in self.tickets if entry[1].task and not entry[1].task.done()]

    def _interfere(self, key: str, then: str, pick: int) -> None:
        match then:
            case "stop" | "remove":
                self._stop(key, crash=0, is_removed=then == "remove", again=None)
            case "swap":
                self._serve(key, stay=0, crash=0, fresh=1, again=None, most=1)
            case "both":  # a worker may be listed and named draining
                self._serve(key, stay=pick, crash=0, fresh=1, again=pick, most=1)
            case "cancel" if self.models[key].waiting:
                self._cancel((key, self.models[key].waiting[0]))
            case "acquire":
                self.acquire(key, None)
            case "starve":
                self._serve(key, stay=0, crash=0, fresh=0, again=None, most=1)

    def _contended(self, *, is_bounded: bool = False) -> list[tuple[str, Ticket]]:
        """Those that run and others wait; the first of these with a deadline, if it is to be bounded."""
        waiting = {key: model.waiting[0] for key, model in self.models.items() if model.waiting}
        first = {key for key, ticket in waiting.items() if ticket.deadline is not None or not is_bounded}
        return [entry for entry in self._running() if entry[0] in first]

    def _first(self) -> list[tuple[str, Ticket]]:
        return [(key, model.waiting[0]) for key, model in self.models.items() if model.waiting]

    def _compare(self) -> None:
        """The pool's own counts, where nobody is between being handed a worker and running."""
        for key, model in self.models.items():
            pool = self.pool._pools.get(key)
            members = {**pool._listed, **pool._going} if pool else {}
            assert {worker: member.running for worker, member in members.items() if member.running} == dict(
                +model.running
            )
            listed = [worker.worker for worker in (pool.handles if pool else ())]
            assert listed == list(model.listed), (listed, model.listed)
            assert len(pool._queue) + len(pool._handed) == len(model.waiting) if pool else not model.waiting


AnyOrder.TestCase.settings = settings(
    max_examples=150, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
test_the_pool_keeps_its_promises_in_any_order = AnyOrder.TestCase
