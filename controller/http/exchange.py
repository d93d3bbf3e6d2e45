"""One request and its answer as values: what handlers take and give. No socket, no protocol in here."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
JSON_LINES = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is undecoded and without the query, so that an encoded slash stays part of a name."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    accept: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """A body that is a generator is streamed, and closed when the peer goes."""

    status: int
    body: bytes | AsyncGenerator[bytes, None]
    content_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Request], Awaitable[Response]]


def text(status: int, message: str) -> Response:
    """One line for a person or a probe."""
    return Response(status, f"{message}\n".encode())


def document(value: Any, status: int = 200) -> Response:
    """A JSON document."""
    return Response(status, json.dumps(value).encode(), JSON)


def error(status: int, message: str) -> Response:
    """What the control socket says when it cannot: `{"error": ...}`."""
    return document({"error": message}, status)


def not_allowed(*methods: str) -> Response:
    """The resource is there, the method is not for it."""
    wanted = ", ".join(methods)
    body = json.dumps({"error": f"only {wanted} here"}).encode()
    return Response(405, body, JSON, (("Allow", wanted),))
