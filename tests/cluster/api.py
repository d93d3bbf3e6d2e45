"""Plain requests to an API server, by one identity or as a token says."""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from controller.testing.answers import DEADLINE

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"

Object = dict[str, Any]


class ApiError(Exception):
    """The API server refused: `code`, `reason` and `message` are those of its Status."""

    def __init__(self, code: int, body: bytes) -> None:
        try:
            self.status: Object = json.loads(body)
        except ValueError:
            self.status = {"message": body.decode(errors="replace")}
        self.code = code
        self.reason: str = self.status.get("reason", "")
        self.message: str = self.status.get("message", "")
        super().__init__(f"{code} {self.reason}: {self.message}")


class Api:
    """The API server at `server`. `check` raises when it is known to be gone, so that a failure says why."""

    def __init__(
        self,
        server: str,
        *,
        ca: Path,
        token: str | None = None,
        client_certificate: tuple[Path, Path] | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.server = server
        self.ca = ca
        self.token = token
        self.client_certificate = client_certificate
        self.check = check
        self._context: ssl.SSLContext | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where the server listens."""
        where = urlsplit(self.server)
        return where.hostname or "", where.port or 443

    def api(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        content_type: str = "application/json",
        **query: object,
    ) -> Object:
        """The object that the API server answers with. `token` makes it somebody else's request; bytes go as they are.

        Raises:
            ApiError: it refused.
            AssertionError: the server is gone, and nobody killed it.
        """
        with self._request(method, path, body, token, content_type, query) as answer:
            content = answer.read()
            if answer.status >= http.client.BAD_REQUEST:
                raise ApiError(answer.status, content)
        found: Object = json.loads(content)
        return found

    def status_of(self, path: str, token: str | None = None, method: str = "GET") -> int:
        """The HTTP status alone."""
        with self._request(method, path, None, token, "application/json", {}) as answer:
            answer.read()
            return answer.status

    def apply(self, path: str, body: Mapping[str, Any], manager: str = "test", token: str | None = None) -> Object:
        """Server-side apply the object at its path, by force."""
        return self.api("PATCH", path, body, token=token, content_type=APPLY, fieldManager=manager, force="true")

    def watch(self, path: str, **query: object) -> Iterator[Object]:
        """The events of a watch, until the server ends it. One that has just started is given the time to read etcd."""
        ends = time.monotonic() + DEADLINE
        while True:
            with self._request("GET", path, None, None, "application/json", {"watch": "1", **query}) as answer:
                if answer.status == http.client.OK:
                    yield from map(json.loads, answer)
                    return
                error = ApiError(answer.status, answer.read())
            if error.code != http.client.TOO_MANY_REQUESTS or time.monotonic() > ends:
                raise error
            time.sleep(0.02)

    def until(self, path: str, fits: Callable[[Object], object], deadline: float = DEADLINE) -> Object:
        """The object at this path once it is there and fits."""
        ends = time.monotonic() + deadline
        last: object = "never there"
        while time.monotonic() < ends:
            try:
                last = found = self.api("GET", path)
                if fits(found):
                    return found
            except ApiError as error:
                last = str(error)
            time.sleep(0.05)
        raise AssertionError(f"not within {deadline} s: {path}: {json.dumps(last, indent=1)}")

    @contextmanager
    def _request(
        self, method: str, path: str, body: object, token: str | None, content_type: str, query: Mapping[str, object]
    ) -> Iterator[http.client.HTTPResponse]:
        self.check()
        where = urlsplit(self.server)
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        if token or self.token:
            headers["Authorization"] = f"Bearer {token or self.token}"
        connection = http.client.HTTPSConnection(where.netloc, timeout=DEADLINE, context=self._tls(bare=bool(token)))
        separator = "&" if "?" in path else "?"
        try:
            target = path + (separator + urlencode(query) if query else "")
            connection.request(method, target, body if isinstance(body, bytes | None) else json.dumps(body), headers)
            yield connection.getresponse()
        finally:
            connection.close()

    def _tls(self, *, bare: bool) -> ssl.SSLContext:
        if self._context is None or bare:
            context = ssl.create_default_context(cafile=str(self.ca))
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # the server's own certificate lacks what Python 3.13 wants
            if self.client_certificate and not bare:
                context.load_cert_chain(*self.client_certificate)
            if bare:
                return context
            self._context = context
        return self._context
