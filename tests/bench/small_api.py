"""As much of an API server as an aggregator asks: pages, watches, a lease, and a status that is applied. Counts bytes.

It keeps each object as the text that it sends, so that thousands of them cost it little.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from tests.cluster.loop_server import LoopServer

Json = dict[str, Any]


class SmallApi(LoopServer):
    """`objects` by resource and name; `written` has the size and the body of each applied status."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, bytes]] = {}
        self.written: list[tuple[int, Json]] = []
        self.requests = 0
        self.sent = 0
        self._version = 1
        self._last: dict[str, dict[str, tuple[int, bytes]]] = {}  # for watches that begin a little later
        self._watches: dict[str, list[asyncio.Queue[bytes]]] = {}
        super().__init__("small-api")

    def put(self, resource: str, document: Json) -> None:
        """Make or change an object, and tell the watches."""
        self.thread.call(lambda: self._put(resource, document))

    def _put(self, resource: str, document: Json) -> Json:
        self._version += 1
        name = document["metadata"]["name"]
        document["metadata"] |= {"uid": document["metadata"].get("uid", name), "resourceVersion": str(self._version)}
        text = json.dumps(document).encode()
        known = self.objects.setdefault(resource, {})
        kind = b"MODIFIED" if name in known else b"ADDED"
        known[name] = text
        event = b'{"type":"' + kind + b'","object":' + text + b"}\n"
        self._last.setdefault(resource, {})[name] = self._version, event
        for queue in self._watches.get(resource, []):
            queue.put_nowait(event)
        return document

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        resource, name, *_ = [*request.path.partition("/namespaces/default/")[2].split("/"), ""]
        if request.method == "GET" and "watch" in request.query:
            return await self._watch(resource, request)
        if request.method == "GET" and not name:
            return self._page(resource, request)
        if request.method == "GET":
            found = self.objects.get(resource, {}).get(name)
            return web.Response(body=found) if found else web.json_response({"message": "none"}, status=404)
        return await self._change(resource, name, request)

    async def _change(self, resource: str, name: str, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = json.loads(raw)
        if not name:
            return web.json_response(self._put(resource, body))
        document = json.loads(self.objects[resource][name])
        for part in ("spec", "status"):
            if part in body:
                document[part] = {**document.get(part, {}), **body[part]} if part == "spec" else body[part]
        if resource == "pluginconfigs":
            self.written.append((len(raw), body["status"]))
        return web.json_response(self._put(resource, document))

    def _page(self, resource: str, request: web.Request) -> web.Response:
        known = list(self.objects.get(resource, {}).values())
        start, limit = int(request.query.get("continue", 0)), int(request.query["limit"])
        end = start + limit
        more = f'"continue":"{end}",' if end < len(known) else ""
        head = f'{{"kind":"List","metadata":{{{more}"resourceVersion":"{self._version}"}},"items":['.encode()
        body = head + b",".join(known[start:end]) + b"]}"
        self.sent += len(body)
        return web.Response(body=body, content_type="application/json")

    async def _watch(self, resource: str, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        since = int(request.query["resourceVersion"])
        for _, event in sorted(each for each in self._last.get(resource, {}).values() if each[0] > since):
            queue.put_nowait(event)
        self._watches.setdefault(resource, []).append(queue)
        try:
            async with asyncio.timeout(float(request.query["timeoutSeconds"])):
                while True:
                    event = await queue.get()
                    self.sent += len(event)
                    await response.write(event)
        except (TimeoutError, ConnectionResetError):
            return response
        finally:
            self._watches[resource].remove(queue)


@contextmanager
def small_api() -> Iterator[SmallApi]:
    """One that serves until the end of the block."""
    made = SmallApi()
    try:
        yield made
    finally:
        made.close()
