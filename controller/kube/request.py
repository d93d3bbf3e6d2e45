"""What passes through every session of ours: who asks, how it ended, how long it took. No retries but the one on 401.

An aiohttp middleware, so kopf's session and the kubernetes client's have one and the same.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from yarl import URL

from controller.kube.token import Token

UNANSWERED = "0"  # the code of a request that no answer came to

Observe = Callable[[str, str, str, float], None]  # verb, resource, code, seconds; on the thread of the request

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Signing:
    """The middleware. `server_name` is what the API server's certificate has to name, if not its host."""

    token: Token
    observe: Observe
    server_name: str | None = None

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send the request with the token of now, once more if that was refused and there is another."""
        verb, resource = named(request.method, request.url)
        started, code = time.monotonic(), UNANSWERED
        try:
            response = await self._send(request, handler)
            code = str(response.status)
        finally:
            self.observe(verb, resource, code, time.monotonic() - started)
        return response

    async def _send(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if self.server_name:
            request.server_hostname = self.server_name
        token = await self.token.get()
        _sign(request, token)
        response = await handler(request)
        if response.status == _UNAUTHORIZED and (other := await self.token.other_than(token)) is not None:
            response.release()
            _sign(request, other)
            response = await handler(request)
        return response


def named(method: str, url: URL) -> tuple[str, str]:
    """The verb and the resource of a request as RBAC knows them; the resource is "" for what is no resource."""
    parts = url.path.strip("/").split("/")
    rest = parts[3:] if parts[0] == "apis" else parts[2:] if parts[0] == "api" else []
    if len(rest) > 2 and rest[0] == "namespaces":  # noqa: PLR2004 - namespaces/NAME itself is a resource
        rest = rest[2:]
    resource = "/".join([rest[0], *rest[2:3]]) if rest else ""
    if method in _VERBS:
        return _VERBS[method], resource
    if url.query.get("watch") in {"true", "1"}:
        return "watch", resource
    return ("get" if len(rest) != 1 else "list"), resource


def _sign(request: ClientRequest, token: str) -> None:
    if token:
        request.headers["Authorization"] = f"Bearer {token}"
