"""A small API server in this process, over plain HTTP, for faults: everything it is asked for is recorded.

What it does right is a belief of ours. Whoever wants to know what a real one does asks the fixture `cluster`.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from controller.testing.answers import DEADLINE
from tests.cluster.fake_store import Object, Place, Store
from tests.cluster.faults import Fault, Refuse
from tests.cluster.loop_server import LoopServer

RESOURCES = {"pluginconfigs": "PluginConfig", "pluginpodstatuses": "PluginPodStatus"}
OURS = ("pluginmgr.dev", "v1alpha1")
PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/(?P<version>[^/]+))(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<resource>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[^/]+))?"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as it came."""

    verb: str
    place: Place
    query: Mapping[str, str]
    token: str
    content_type: str
    body: Any
    at: float


@dataclass(slots=True)
class Trouble:
    """A fault that requests of these verbs and this resource meet, so many times; `end` ends it before."""

    fault: Fault
    verbs: tuple[str, ...]
    resource: str
    left: float

    def takes(self, verb: str, resource: str) -> bool:
        """Whether this request meets it."""
        return self.left > 0 and (not self.verbs or verb in self.verbs) and self.resource in ("", resource)

    def end(self) -> None:
        """No request meets it any more."""
        self.left = 0


class FakeApi(LoopServer):
    """The fake at `url`, served in a thread of its own, so that tests may block.

    `token`: once it is set, requests with another one get 401.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.troubles: list[Trouble] = []
        self.token: str | None = None
        super().__init__("fake-api")
        self.store = self.thread.call(Store)

    # --- what a test does to it

    def fail(self, fault: Fault, *verbs: str, resource: str = "", times: float = float("inf")) -> Trouble:
        """Let requests meet a fault: get, list, watch, create, patch, delete, discover; all if none is named."""
        self.troubles.append(Trouble(fault, verbs, resource, times))
        return self.troubles[-1]

    def put(self, resource: str, name: str, body: Object, namespace: str = "default") -> Object:
        """Make or change an object of ours, and tell the watches."""
        return self.thread.call(lambda: self.store.put(Place(*OURS, namespace, resource, name), body))

    def remove(self, resource: str, name: str, namespace: str = "default", *, silently: bool = False) -> None:
        """Delete one; `silently` is what a client sees that was not connected at the time."""
        self.thread.call(lambda: self.store.remove(Place(*OURS, namespace, resource, name), silently=silently))

    def at_once(self, change: Callable[[Store], object]) -> None:
        """Change the store several times, so that a watch tells all of it in one breath."""
        self.thread.call(lambda: change(self.store))

    def find(self, resource: str, name: str, namespace: str = "default") -> Object | None:
        """The object, if it is there."""
        return self.thread.call(lambda: self.store.objects.get(Place(*OURS, namespace, resource, name)))

    def requests(self, *verbs: str, resource: str = "") -> list[Asked]:
        """What it was asked for so far, or those of the verbs and the resource."""
        every = list(self.asked)
        return [each for each in every if (not verbs or each.verb in verbs) and resource in ("", each.place.resource)]

    def until(self, fits: Callable[[], object], deadline: float = DEADLINE) -> None:
        """Wait until something fits, such as `lambda: len(fake.requests("watch")) == 2`."""
        ends = time.monotonic() + deadline
        while not fits():
            if time.monotonic() > ends:
                raise AssertionError(f"not within {deadline} s; it was asked for {self.asked}")
            time.sleep(0.005)

    # --- how it answers

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request: by a fault if one is due, else as an API server would."""
        matched = PATH.fullmatch(request.path)
        groups = {name: found or "" for name, found in (matched.groupdict() if matched else {}).items()}
        place = Place(**groups) if matched else Place("", "", "", "")
        verb = verb_of(request, place)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        body = json.loads(await request.read() or b"null")
        self.asked.append(Asked(verb, place, dict(request.query), token, request.content_type, body, time.monotonic()))
        if self.token not in (None, token):
            return await Refuse(401, "Unauthorized").answer(request)
        for trouble in self.troubles:
            if trouble.takes(verb, place.resource):
                trouble.left -= 1
                return await trouble.fault.answer(request)
        return await self._answer(verb, place, request, body)

    async def _answer(self, verb: str, place: Place, request: web.Request, body: Any) -> web.StreamResponse:
        name = request.query.get("fieldSelector", "").removeprefix("metadata.name=")
        found: Object | None = None
        match verb:
            case "watch":
                return await self._watch(place, name, request)
            case "discover":
                found = discovery(request.path)
            case "list":
                found = self.store.items(place, name)
            case "create":
                found = self.store.create(place, body)
            case "patch" | "update" if place.whole in self.store.objects or "apply" in request.content_type:
                found = self.store.put(place, body)
            case "get":
                found = self.store.objects.get(place)
            case "delete":
                found = self.store.remove(place)
        refusal = Refuse(409, "AlreadyExists") if verb == "create" else Refuse(404, "NotFound")
        return web.json_response(found) if found else await refusal.answer(request)

    async def _watch(self, place: Place, name: str, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        since = int(request.query.get("resourceVersion") or 0)
        try:
            async with asyncio.timeout(float(request.query.get("timeoutSeconds") or 3600)):
                async for event in self.store.watch(place, name, since):
                    await response.write(json.dumps(event).encode() + b"\n")
        except (TimeoutError, ConnectionResetError):
            return response
        return response


def verb_of(request: web.Request, place: Place) -> str:
    """The verb as RBAC has it, or "discover"."""
    if not place.resource:
        return "discover"
    reads = "get" if place.name else "watch" if request.query.get("watch") in ("1", "true") else "list"
    return {"GET": reads, "POST": "create", "PUT": "update"}.get(request.method, request.method.lower())


def discovery(path: str) -> Object:
    """What a client asks before its first list; there is nothing but our group."""
    group, version = OURS
    if path == "/apis":
        versions = [{"groupVersion": f"{group}/{version}", "version": version}]
        about = {"name": group, "versions": versions, "preferredVersion": versions[0]}
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [about]}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    shared = {"namespaced": True, "verbs": ["get", "list", "watch", "patch"]}
    every = [{"name": name, "singularName": kind.lower(), "kind": kind} | shared for name, kind in RESOURCES.items()]
    namespaces = [
        {"name": "namespaces", "singularName": "namespace", "kind": "Namespace"} | shared
    ]  # kopf waits for it
    resources = {f"/apis/{group}/{version}": every, "/api/v1": namespaces}.get(path, [])
    return {"kind": "APIResourceList", "groupVersion": path.removeprefix("/apis/"), "resources": resources}


@contextmanager
def fake_api() -> Iterator[FakeApi]:
    """A fake that serves until the end of the block."""
    made = FakeApi()
    try:
        yield made
    finally:
        made.close()
