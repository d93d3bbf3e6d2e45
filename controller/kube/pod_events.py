"""Events about the own Pod, for `kubectl describe pod`. Never waited for: what cannot be sent is dropped."""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

from controller.kube.event_ledger import Ledger, Series
from controller.kube.event_table import Happening, happening
from controller.kube.micro_time import micro_time
from controller.kube.names import GROUP
from controller.kube.pod import Pod
from controller.kube.rest import NOT_FOUND, ApiError, Rest
from controller.manager.history import Entry

log = logging.getLogger(__name__)

MOST: Final = 100  # that wait to be sent
PAUSE: Final = 0.2  # seconds between two of them
CHECK: Final = 60.0  # seconds, for counts that have grown
NAME_LENGTH: Final = 200  # of the pod's, so that there is room for the rest


class PodEvents:
    """`window` is the seconds in which this pod may send one, as many pods do."""

    def __init__(
        self,
        rest: Rest,
        pod: Pod,
        *,
        window: Callable[[], float] = lambda: 0.0,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._rest = rest
        self._pod = pod
        self._window = window
        self._clock = clock
        self._chance = chance
        self._path = f"/apis/events.k8s.io/v1/namespaces/{pod.namespace}/events"
        self._ledger = Ledger()
        self._waiting: asyncio.Queue[Happening] = asyncio.Queue(MOST)
        self._is_failing = False

    def take(self, entry: Entry) -> None:
        """Send it some time, if it is worth an Event and there is a Pod that it could be about."""
        told = happening(entry) if self._pod.uid else None
        if told is not None and not self._waiting.full():
            self._waiting.put_nowait(told)

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            for series in await self._next():
                window = self._window()
                delay = window * self._chance()
                await asyncio.sleep(delay)
                await self._send(series)
                await asyncio.sleep(max(PAUSE, window - delay))

    async def _next(self) -> list[Series]:
        """What is to be sent now, often nothing."""
        try:
            async with asyncio.timeout(CHECK):
                told = await self._waiting.get()
        except TimeoutError:
            return self._ledger.due(self._clock())
        series = self._ledger.enter(told, f"{self._pod.name[:NAME_LENGTH]}.{uuid4().hex[:16]}", self._clock())
        return [*([series] if series else []), *self._ledger.due(self._clock())]

    async def _send(self, series: Series) -> None:
        try:
            await self._tell(series)
        except ApiError as error:
            if error.code == NOT_FOUND or series.count == 1:
                self._ledger.lose(series)
            if not self._is_failing:
                log.info("cannot send events", extra={"error": str(error)})
            self._is_failing = True
        else:
            self._is_failing = False

    async def _tell(self, series: Series) -> None:
        if series.count == 1:
            await self._rest.create(self._path, self._event(series))
        else:
            repeats = {"count": series.count, "lastObservedTime": micro_time(series.happening.at)}
            await self._rest.merge(f"{self._path}/{series.name}", {"series": repeats})

    def _event(self, series: Series) -> dict[str, Any]:
        pod, told = self._pod, series.happening
        about = {"apiVersion": "v1", "kind": "Pod", "name": pod.name, "namespace": pod.namespace, "uid": pod.uid}
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": series.name, "namespace": pod.namespace},
            "eventTime": micro_time(told.at),
            "reportingController": f"{GROUP}/sidecar",
            "reportingInstance": pod.name[:128],
            "regarding": about,
            "type": told.type,
            "reason": told.reason,
            "action": told.action,
            "note": told.note,
        }
