"""What a kubelet and a Prometheus ask over TCP: `/livez`, `/readyz`, `/metrics`. Nothing here changes anything.

The format is that of the Kubernetes API server: one word when all is well; the list of checks when it is not, or when
`?verbose` asks for it.
"""

import asyncio
from collections.abc import Callable

from controller.http.exchange import Request, Response, not_allowed, text
from controller.http.views import Checks, Health

Render = Callable[[str], tuple[bytes, str]]
"""The metrics for an `Accept` header: body and content type. Called in a thread."""


class Probes:
    """`handle` is the handler for `serve`."""

    def __init__(self, health: Health, render: Render) -> None:
        self._health = health
        self._render = render

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        if request.path not in ("/livez", "/readyz", "/metrics"):
            return text(404, "not found, there are /livez, /readyz and /metrics")
        if request.method not in ("GET", "HEAD"):
            return not_allowed("GET", "HEAD")
        if request.path == "/metrics":
            # Thousands of series take tens of milliseconds to write down: not on the loop that answers crashes.
            return Response(200, *await asyncio.to_thread(self._render, request.accept))
        checks = self._health.livez() if request.path == "/livez" else self._health.readyz()
        return answer(request.path.removeprefix("/"), checks, verbose="verbose" in request.query)


def answer(probe: str, checks: Checks, *, verbose: bool) -> Response:
    """200 if every check holds, else 503 and which one does not."""
    is_ok = all(check.ok for check in checks)
    if is_ok and not verbose:
        return text(200, "ok")
    lines = [f"[+]{check.name} ok" if check.ok else f"[-]{check.name} failed: {check.why}" for check in checks]
    return text(200 if is_ok else 503, "\n".join([*lines, f"{probe} check {'passed' if is_ok else 'failed'}"]))
