"""What the command line asks of a running controller: JSON over the Unix socket in the state directory.

The paths are documented in docs/reference/http.md. A plugin must never reach this socket: see `controller.peers`.
"""

import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any
from urllib.parse import unquote

from controller.http.exchange import JSON_LINES, Request, Response, document, error, not_allowed
from controller.http.probes import answer
from controller.http.views import Views

RESOURCES = {
    ("status", 0): "GET",
    ("livez", 0): "GET",
    ("history", 0): "GET",
    ("history", 2): "GET",
    ("plugins", 2): "GET",
    ("logs", 2): "GET",
    ("restart", 2): "POST",
}
"""First segment of the path and number of names behind it; the method that it takes."""


class Control:
    """`handle` is the handler for `serve`."""

    def __init__(self, views: Views) -> None:
        self._views = views

    async def handle(self, request: Request) -> Response:
        """Answer one request; what is not there is a 404 with an `error`."""
        resource, *names = (unquote(part) for part in request.path.removeprefix("/").split("/"))
        method = RESOURCES.get((resource, len(names)))
        if method is None:
            return error(404, f"not found: {request.path}")
        if request.method != method:
            return not_allowed(method)
        return self._about(resource, "/".join(names), request) if names else self._about_all(resource, request)

    def _about_all(self, resource: str, request: Request) -> Response:
        match resource:
            case "status":
                return document(self._views.status())
            case "history":
                return document({"items": self._views.history(None)})
            case _:
                return answer("livez", self._views.livez(), verbose="verbose" in request.query)

    def _about(self, resource: str, key: str, request: Request) -> Response:
        match resource:
            case "plugins":
                plugin = self._views.plugin(key)
                return _unknown(key) if plugin is None else document(plugin)
            case "history":
                return document({"items": self._views.history(key)})
            case "logs":
                return self._logs(key, previous="previous" in request.query, follow="follow" in request.query)
            case _:
                return document({"restart": key}, 202) if self._views.restart(key) else _unknown(key)

    def _logs(self, key: str, *, previous: bool, follow: bool) -> Response:
        if previous and follow:
            return error(400, "previous workers say nothing more: follow or previous, not both")
        records = self._views.logs(key, previous=previous)
        if records is None:
            return _unknown(key)
        if follow:
            return Response(200, _lines(self._views.follow(key)), JSON_LINES)
        return Response(200, _write(records), JSON_LINES)


def _unknown(key: str) -> Response:
    return error(404, f"no plugin {key}")


async def _lines(records: AsyncGenerator[dict[str, Any], None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(records):
        async for record in records:
            yield _write([record])


def _write(records: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)
