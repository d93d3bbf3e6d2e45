"""What the fake API server can do wrong, that a real one can't be made to do at will."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from aiohttp import web

EXPIRED = MappingProxyType({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"})


class Fault(Protocol):
    """Answers a request instead of the fake."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer it, or hold it."""
        ...


@dataclass(frozen=True, slots=True)
class Refuse:
    """An HTTP status of an error, with a Status object, and Retry-After if given: 401, 403, 410, 429, 5xx."""

    code: int
    reason: str = ""
    retry_after: float | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": self.code, "reason": self.reason}
        headers = {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}
        body = status | {"message": f"the fake refuses: {self.code} {self.reason}"}
        return web.json_response(body, status=self.code, headers=headers)


@dataclass(frozen=True, slots=True)
class Garbage:
    """Success, with a body that isn't what was asked for: a proxy's page, an empty answer."""

    body: bytes = b"<html>a proxy that says hello</html>"
    content_type: str = "text/html"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=self.body, content_type=self.content_type)


@dataclass(frozen=True, slots=True)
class Silence:
    """Accepts the request and never says more; with `headers`, only after a 200, as a dead watch does, or `code`."""

    headers: bool = True
    code: int = 200

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=self.code, headers={"Content-Type": "application/json"})
        if self.headers:
            await response.prepare(request)
        await asyncio.Event().wait()
        return response


@dataclass(frozen=True, slots=True)
class Cut:
    """Sends these events, then the first half of one more, then cuts the connection in the middle of the chunk."""

    events: tuple[Mapping[str, Any], ...] = ()
    half: Mapping[str, Any] = field(
        default_factory=lambda: {"type": "MODIFIED", "object": {"metadata": {"name": "x" * 100}}}
    )

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = await _stream(request, self.events)
        line = json.dumps(self.half).encode() + b"\n"
        await response.write(line[: len(line) // 2])
        if request.transport is not None:
            request.transport.abort()
        return response


@dataclass(frozen=True, slots=True)
class Events:
    """A stream of exactly these events, which then ends in good order: `Events(error(410))`."""

    events: tuple[Mapping[str, Any], ...]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = await _stream(request, self.events)
        await response.write_eof()
        return response


def error(status: Mapping[str, Any] = EXPIRED) -> dict[str, Any]:
    """The event with which a watch tells an error in its stream."""
    return {"type": "ERROR", "object": dict(status)}


async def _stream(request: web.Request, events: tuple[Mapping[str, Any], ...]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    for each in events:
        await response.write(json.dumps(each).encode() + b"\n")
    return response
