"""The status document as the pod's PluginPodStatus, by server-side apply. When to write, `app.StatusWriter` decides."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, Final

from controller.config.schema import PLUGIN_POD_STATUSES, open_api_schema
from controller.core.events import PodNoted
from controller.core.model import Problem
from controller.core.reasons import Reason
from controller.errors import StatusNotWrittenError
from controller.kube.bounds import bounded
from controller.kube.brevity import MOST, brief
from controller.kube.names import CONFIG_LABEL, GROUP, SIDECAR_MANAGER, STATUSES, VERSION
from controller.kube.patience import Patience
from controller.kube.pod import Pod
from controller.kube.rest import METADATA_ONLY, NOT_FOUND, ApiError, Rest
from controller.manager.status import timestamp

UNREACHABLE: Final = 10.0  # seconds of failing until it is a condition
RATE: Final = 20  # writes in a second by all pods together
LONGEST_WINDOW: Final = 60.0  # seconds
SOON: Final = 30.0  # seconds, at least, to the first look; a namesake's object may be about to be deleted
LOOK: Final = 300.0  # seconds, at least
LEAST: Final = 64 * 1024  # bytes
TOO_LARGE: Final = 413
UNEXPECTED: Final = 500
TOO_LARGE_WORDS: Final = ("request is too large", "larger than max")  # etcd's, which come with UNEXPECTED
HINTS: Final = {
    401: "; is the service account still there?",
    403: "; look at the Role of the pod's service account, and at policies",
    404: f"; is the CRD {STATUSES}.{GROUP} installed?",
}

Json = dict[str, Any]


def write_window(pods: int) -> float:
    """Return in how many seconds each of so many pods may write once, for no more than `RATE` writes a second."""
    return min(max(0, pods - RATE) / RATE, LONGEST_WINDOW)


class StatusObject:
    """One pod's object. `note` hears when the API server takes no status for a while, and when it does again."""

    def __init__(
        self,
        rest: Rest,
        pod: Pod,
        note: Callable[[PodNoted], None],
        *,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._rest = rest
        self._pod = pod
        self._path = f"/apis/{GROUP}/{VERSION}/namespaces/{pod.namespace}/{STATUSES}/{pod.name}"
        self._note = note
        self._patience = patience or Patience()
        self._clock = clock
        self._chance = chance
        self._most = MOST
        self._cut_since = ""
        self._failing_since: float | None = None
        self._noted: PodNoted | None = None
        self._version: str | None = None  # of the object as it was written last; unknown until that is answered
        self._asked = asyncio.Event()

    async def write(self, document: Json) -> None:
        """Make the object what the document says; none without a Pod, whose status would be taken for a stale one.

        Raises:
            StatusNotWrittenError: the API server did not take it, or did not say so.
        """
        if not self._pod.uid:
            return
        began = self._clock()
        at = self._cut_since or timestamp(time.time())
        body, is_cut = await asyncio.to_thread(_body, document, self._pod, self._most, at)
        self._cut_since = at if is_cut else ""
        self._version = None
        try:
            answer = await self._rest.apply(self._path, SIDECAR_MANAGER, body, METADATA_ONLY)
        except ApiError as error:
            self._failed(error, began, len(body))
            wait = max(self._patience.wait(), error.retry_after or 0.0)
            raise StatusNotWrittenError(_told(error), wait) from error
        self._version = answer["metadata"]["resourceVersion"]
        self._succeeded()

    def look(self) -> None:
        """Look now: what was written may be lost."""
        self._asked.set()

    async def run(self, lost: Callable[[], None]) -> None:
        """Look from time to time whether the object is still as it was written; `lost` is told if not."""
        self._note(PodNoted("ApiUnreachable", None))
        pause = SOON
        while True:
            is_asked = await self._wait(pause * (1 + self._chance()))
            is_there = await self._is_there()
            if is_there is False:
                lost()
            pause = SOON if is_asked or is_there is None else LOOK

    async def _wait(self, seconds: float) -> bool:
        """Wait so long, or until somebody asks for a look; whether somebody did."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        is_asked = self._asked.is_set()
        self._asked.clear()
        return is_asked

    async def _is_there(self) -> bool | None:
        """Whether nobody else changed or deleted it; None if that cannot be found out."""
        known = self._version
        if known is None:
            return True  # there is none, or whoever writes it will try again
        try:
            answer = await self._rest.get(self._path, {}, METADATA_ONLY)
        except ApiError as error:
            return False if error.code == NOT_FOUND else None
        return self._version != known or answer["metadata"]["resourceVersion"] == known

    def _failed(self, error: ApiError, began: float, size: int) -> None:
        is_etcds = error.code == UNEXPECTED and any(word in str(error) for word in TOO_LARGE_WORDS)
        if error.code == TOO_LARGE or is_etcds:
            self._most = max(LEAST, min(self._most, size) // 2)
        self._failing_since = began if self._failing_since is None else self._failing_since
        if self._clock() - self._failing_since >= UNREACHABLE:
            problem = Problem(Reason.API_UNREACHABLE, f"the API server takes no status: {_told(error)}")
            self._say(PodNoted("ApiUnreachable", problem))

    def _succeeded(self) -> None:
        self._patience.reset()
        self._most = min(MOST, 2 * self._most)
        self._failing_since = None
        if self._noted is not None:
            self._say(PodNoted("ApiUnreachable", None))
            self._noted = None

    def _say(self, noted: PodNoted) -> None:
        if noted != self._noted:
            self._noted = noted
            self._note(noted)


def _told(error: ApiError) -> str:
    return f"{error}{HINTS.get(error.code, '')}"


def _body(document: Json, pod: Pod, most: int, at: str) -> tuple[bytes, bool]:
    """Return the object in the form that is sent, and whether something was left out; takes a while."""
    status = bounded(document["status"], _schema())
    config = status.get("config", {}).get("name")
    metadata: Json = {"name": pod.name, "namespace": pod.namespace, "labels": {CONFIG_LABEL: config} if config else {}}
    metadata["ownerReferences"] = [{"apiVersion": "v1", "kind": "Pod", "name": pod.name, "uid": pod.uid}]
    return brief({**document, "metadata": metadata, "status": status}, most, at)


@cache
def _schema() -> Json:
    """That of the status; how many plugins it takes, `brief` sees to, which knows what to leave out."""
    fields: Json = open_api_schema(PLUGIN_POD_STATUSES)["properties"]["status"]["properties"]
    plugins = {name: value for name, value in fields["plugins"].items() if name != "maxItems"}
    return {"properties": {**fields, "plugins": plugins}}
