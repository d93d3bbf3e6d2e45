"""One plugin's workers as a host sees them: who serves, who drains, how many calls run where, and who waits.

The one owner of all that. No method but `take` awaits, so nothing is seen half done. A waiter is *handed* a worker some
moments before its task runs again; whatever takes a worker away in between recalls all that was handed and gives it out
anew, so that no call begins on a going worker and nobody loses the place in the queue. Whose time ran out meanwhile, or
whose pool is being closed, then gets another worker or its error, and waits no more.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from controller.core.model import PluginKey, WorkerId
from controller.manager.handle import PluginHandle
from controller.pool.errors import FullError, NotFoundError, PoolError
from controller.pool.member import Answer, Member, Waiter

T = TypeVar("T")
NOBODY: frozenset[WorkerId] = frozenset()


class VersionedPool(Generic[T]):
    """The workers of one plugin's serving version, and those of former ones on which calls still run."""

    def __init__(self, key: PluginKey, *, max_waiting: int, eject_seconds: float) -> None:
        """Begin with nothing that serves."""
        self.key = key
        self.is_serving = False
        self._max_waiting = max_waiting
        self._eject_seconds = eject_seconds
        self._max_procs = 0
        self._listed: dict[WorkerId, Member] = {}
        self._going: dict[WorkerId, Member] = {}  # no longer listed, and calls run on them
        self._rotation: list[Member] = []  # listed and not ejected; the longest unused first
        self._queue: OrderedDict[Waiter, None] = OrderedDict()
        self._handed: OrderedDict[Waiter, None] = OrderedDict()  # have a member and were before all of the queue
        self._closing: Callable[[], PoolError] | None = None  # the error of those that would wait

    @property
    def handles(self) -> tuple[PluginHandle[T], ...]:
        """Who serves, ejected ones included."""
        return tuple(member.handle for member in self._listed.values())

    @property
    def running(self) -> int:
        """How many calls run, on going workers too."""
        return sum(member.running for members in (self._listed, self._going) for member in members.values())

    @property
    def is_forgettable(self) -> bool:
        """Whether nothing would be lost with it."""
        return not (self.is_serving or self._going or self._queue or self._handed)

    def serve(self, workers: Sequence[PluginHandle[Any]], max_procs: int) -> None:
        """These and no others get calls from now on; a worker that drains is never taken back."""
        self._recall()
        self.is_serving, self._max_procs = True, max_procs
        before, self._listed = self._listed, {}
        for handle in {each.worker: each for each in workers}.values():
            known = before.pop(handle.worker, None) or self._going.get(handle.worker) or Member(handle)
            if not known.answers:
                self._going.pop(handle.worker, None)
                known.list(handle)
                self._listed[handle.worker] = known
        for member in before.values():
            self._let_go(member)
        self._turn()

    def drain(self, workers: Sequence[WorkerId], on_drained: Answer) -> None:
        """Answer for each once no call runs on it: at once if none does, or if nobody here knows it.

        A worker may be named again, by another message: then each of the two is answered, once.
        """
        self._recall()
        idle = []
        for worker in dict.fromkeys(workers):
            if member := self._listed.pop(worker, None):
                self._let_go(member)
            if member := self._going.get(worker):
                member.answers.append(on_drained)
            else:
                idle.append(worker)
        self._turn()
        for worker in idle:
            on_drained(worker)

    def unregister(self, error: Callable[[], PoolError] | None = None) -> None:
        """Nothing serves any more. With an error all waiters get one, else the impatient ones get NotFoundError."""
        self._recall()
        self.is_serving, self._max_procs = False, 0
        for member in self._listed.values():
            self._let_go(member)
        self._listed = {}
        for waiter in list(self._queue):
            if error or not waiter.is_patient:
                self._fail(waiter, error() if error else self._not_found())
        self._turn()

    def refuse(self, error: Callable[[], PoolError]) -> None:
        """Let nobody wait any more; who was handed a worker keeps it as long as it is there."""
        self._closing = error
        self._fail_hopeless()

    async def take(
        self, seconds: float | None, avoid: frozenset[WorkerId] = NOBODY, *, is_patient: bool = False
    ) -> Member:
        """Return a member on which a call of the caller's runs from now on, until `give_back`."""
        if member := self._pick(avoid):
            return member
        if not (self.is_serving or is_patient):
            raise self._not_found()
        if len(self._queue) + len(self._handed) >= self._max_waiting:
            raise FullError(f"{self.key}: {self._max_waiting} calls wait already ({self._figures()})")
        return await self._wait(Waiter(seconds, avoid, is_patient=is_patient))

    def give_back(self, member: Member, *, is_broken: bool = False) -> None:
        """End a call; a broken worker gets no other for a while."""
        member.running -= 1
        if is_broken:
            self.eject(member)
        if not member.is_going:
            self._hand_out()
        elif not member.running:
            del self._going[member.handle.worker]
            answers, member.answers = member.answers, []
            for answer in answers:
                answer(member.handle.worker)

    def eject(self, member: Member) -> None:
        """Take it out of rotation; it comes back after a time if it is listed then."""
        if member.is_going or member.back:
            return
        self._recall()
        member.back = asyncio.get_running_loop().call_later(self._eject_seconds, self._bring_back, member)
        self._turn()

    def close(self) -> None:
        """Let timers go."""
        for member in self._listed.values():
            if member.back:
                member.back.cancel()

    def _bring_back(self, member: Member) -> None:
        member.back = None
        self._turn()

    def _let_go(self, member: Member) -> None:
        member.go()
        if member.running:
            self._going[member.handle.worker] = member

    async def _wait(self, waiter: Waiter) -> Member:
        self._queue[waiter] = None
        loop = asyncio.get_running_loop()
        timer = None if waiter.seconds is None else loop.call_later(waiter.seconds, self._expire, waiter)
        try:
            member = await waiter.wait()
            del self._handed[waiter]
        except BaseException:
            self._withdraw(waiter)
            raise
        finally:
            if timer:
                timer.cancel()
        return member

    def _withdraw(self, waiter: Waiter) -> None:
        self._queue.pop(waiter, None)
        if waiter.member:  # woken and cancelled at once: the next one gets it
            del self._handed[waiter]
            self.give_back(waiter.member)

    def _expire(self, waiter: Waiter) -> None:
        waiter.is_late = True
        if waiter in self._queue:
            self._fail(waiter, self._late(waiter))

    def _fail(self, waiter: Waiter, error: PoolError | TimeoutError) -> None:
        del self._queue[waiter]
        waiter.fail(error)

    def _fail_hopeless(self) -> None:
        """Fail those that wait and must not: they were handed a worker that was taken away, and nothing wakes them."""
        for waiter in [each for each in self._queue if each.is_late or self._closing]:
            self._fail(waiter, self._closing() if self._closing else self._late(waiter))

    def _turn(self) -> None:
        """Put the rotation right after a change, and give out what it has; end the waiting of those who may not."""
        known = [member for member in self._rotation if not (member.is_going or member.back)]
        new = [member for member in self._listed.values() if not member.back and member not in known]
        self._rotation = [*new, *known]
        self._hand_out()
        self._fail_hopeless()

    def _hand_out(self) -> None:
        while self._queue:
            waiter = next(iter(self._queue))
            member = self._pick(waiter.avoid)
            if not member:
                return
            del self._queue[waiter]
            self._handed[waiter] = None
            waiter.give(member)

    def _recall(self) -> None:
        """Put those that were handed a worker and have not run since back to the head of the queue, in order."""
        while self._handed:
            waiter, _ = self._handed.popitem()
            if waiter.member:
                waiter.member.running -= 1
            waiter.member = None
            self._queue[waiter] = None
            self._queue.move_to_end(waiter, last=False)

    def _pick(self, avoid: frozenset[WorkerId]) -> Member | None:
        """Count a call on the least busy worker with room, the longest unused of equals; one to avoid only at need."""
        best = None
        if avoid:
            best = self._least_busy([each for each in self._rotation if each.handle.worker not in avoid])
        best = best or self._least_busy(self._rotation)
        if best:
            best.running += 1
            self._rotation.remove(best)
            self._rotation.append(best)
        return best

    def _least_busy(self, members: list[Member]) -> Member | None:
        best = None
        for member in members:
            if not member.running:
                return member
            if member.running < member.room and (best is None or member.running < best.running):
                best = member
        return best

    def _late(self, waiter: Waiter) -> PoolError | TimeoutError:
        if self.is_serving:
            return TimeoutError(f"{self.key}: no worker was free within {waiter.seconds:.3g} s ({self._figures()})")
        return NotFoundError(f"{self.key}: nothing served within {waiter.seconds:.3g} s")

    def _not_found(self) -> NotFoundError:
        return NotFoundError(f"{self.key}: nothing serves at the moment")

    def _figures(self) -> str:
        ejected = len(self._listed) - len(self._rotation)
        return (
            f"{len(self._listed)} of {self._max_procs} wanted workers serve, {ejected} of them ejected;"
            f" {self.running} calls run, {len(self._queue)} wait"
        )
