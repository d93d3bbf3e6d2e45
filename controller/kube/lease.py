"""Holding a Lease: only the aggregator that holds it writes. It is given back at the end, so that the next one goes on.

`is_held` is decided by our own clock and ends some seconds before anybody else could take the lease, so that even a
process that was stopped for a while, or whose requests hang, is never a second writer.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Any, Final

from controller.kube.election import RENEW, RETRY, STOP, Held, Move, Watched, held, move, released, seen, taken
from controller.kube.micro_time import micro_time
from controller.kube.rest import CONFLICT, NOT_FOUND, ApiError, Rest

log = logging.getLogger(__name__)

SECONDS: Final = 3.0  # for one request: a hanging one leaves time for another before STOP
RELEASE_SECONDS: Final = 1.0


class Lease:
    """`me` must be nobody else's name, ever: not that of an earlier run in the same pod either."""

    def __init__(
        self,
        rest: Rest,
        namespace: str,
        name: str,
        me: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rest = rest
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._path = f"{self._collection}/{name}"
        self._name = name
        self._me = me
        self._clock = clock
        self._watched: Watched | None = None
        self._until = float("-inf")
        self._has_told = False
        self._is_failing = False

    @property
    def is_held(self) -> bool:
        """Whether we may write now."""
        return self._clock() < self._until

    async def run(self) -> None:
        """Take and keep the lease until cancelled; then give it back."""
        try:
            while True:
                wait = await self._turn()
                await asyncio.sleep(wait)
        finally:
            await self._release()

    async def _turn(self) -> float:
        """One look or renewal; return the seconds until the next."""
        try:
            await self._act()
        except ApiError as error:
            self._note(error)
        if self._has_told and not self.is_held:
            self._has_told = False
            log.warning("lease lost", extra={"lease": self._name})
        jitter = random.uniform(0.8, 1.0)  # noqa: S311 - no secret
        return (RENEW if self.is_held and not self._is_failing else RETRY) * jitter

    async def _act(self) -> None:
        before = self._watched.held if self._watched is not None and self.is_held else await self._look()
        now = self._clock()
        if before is None:
            await self._create(now)
        elif self._watched is not None and move(self._watched, self._me, now) is not Move.WAIT:
            changed = await self._rest.merge(self._path, taken(self._me, before, micro_time(time.time())), SECONDS)
            self._take(held(changed), now)
        self._is_failing = False

    async def _look(self) -> Held | None:
        try:
            found = held(await self._rest.get(self._path, {}, seconds=SECONDS))
        except ApiError as error:
            if error.code != NOT_FOUND:
                raise
            self._watched = None
            return None
        self._watched = seen(self._watched, found, self._clock())
        return found

    async def _create(self, now: float) -> None:
        body: dict[str, Any] = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
        body |= {**taken(self._me, None, micro_time(time.time())), "metadata": {"name": self._name}}
        self._take(held(await self._rest.create(self._collection, body, SECONDS)), now)

    def _take(self, lease: Held, asked_at: float) -> None:
        """It is ours from when we asked, not from when we were told."""
        self._watched = Watched(lease, asked_at)
        self._until = asked_at + STOP
        if not self._has_told:
            self._has_told = True
            log.info("lease taken", extra={"lease": self._name, "transitions": lease.transitions})

    def _note(self, error: ApiError) -> None:
        if error.code in (CONFLICT, NOT_FOUND):  # somebody was faster, or it was deleted: look again
            self._until = float("-inf")
            return
        if not self._is_failing:
            log.warning("cannot take or renew the lease", extra={"lease": self._name, "error": str(error)})
        self._is_failing = True

    async def _release(self) -> None:
        """Give it back, if it may be ours: what was under way when the end came may have been done."""
        self._until = float("-inf")
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                last = await self._look()
                if last is not None and last.holder == self._me:
                    await self._rest.merge(self._path, released(last, micro_time(time.time())))
        except (ApiError, TimeoutError) as error:
            if self._has_told:
                log.warning("lease not given back", extra={"lease": self._name, "error": str(error)})
