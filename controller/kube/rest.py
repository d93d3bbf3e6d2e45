"""Requests to the API server on raw paths, plain dicts in and out, each with a deadline and one kind of error.

The generated clients would read thousands of objects into models, and encode an apply in a way that the API server does
not take (see `manifest`); here a list is the JSON that came.
"""

import json
from collections.abc import AsyncGenerator, Awaitable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlencode

import aiohttp
from aiohttp.http_exceptions import LineTooLong

from controller.errors import PluginmgrError
from controller.kube.access import Access
from controller.kube.manifest import encoded
from controller.kube.problem import of_answer, of_error

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient
    from kubernetes.aio.client.rest import RESTResponse

Json = dict[str, Any]

SECONDS: Final = 10.0  # for one request, unless the caller says otherwise
CONNECT_SECONDS: Final = 5.0
JSON: Final = "application/json"
MERGE: Final = "application/merge-patch+json"
APPLY: Final = "application/apply-patch+yaml;charset=utf-8"  # so written, the client takes text as it is
METADATA_ONLY: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
MOST_AFTER: Final = 60.0  # seconds; who asks for a longer wait is not believed
GONE: Final = 410  # what was asked to go on from is not kept any more
NOT_FOUND: Final = 404
CONFLICT: Final = 409
STRANGER: Final = "what answers is not the API server"


class ApiError(PluginmgrError):
    """The API server refused (`code` is its answer's) or did not answer (0); `retry_after` is what it asked for."""

    def __init__(self, code: int, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


class Rest:
    """What we ask of the API server, kopf's requests aside; to be entered, and used, on one loop."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client: ApiClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._close()

    async def get(self, path: str, query: Mapping[str, str], accept: str = JSON, seconds: float = SECONDS) -> Json:
        """Return an object or a page of a list; of either, what `metadata` and `items` have to have is there."""
        return await _answer(path, self._send("GET", _url(path, query), accept=accept, seconds=seconds))

    async def create(self, path: str, body: Json, seconds: float = SECONDS) -> Json:
        """Make an object in a collection."""
        return await _answer(path, self._send("POST", path, body=body, seconds=seconds))

    async def merge(self, path: str, body: Json, seconds: float = SECONDS) -> Json:
        """Change the fields that `body` has; with a resourceVersion in it, only if the object is still that one."""
        return await _answer(path, self._send("PATCH", path, body=body, content=MERGE, seconds=seconds))

    async def apply(
        self, path: str, manager: str, body: Json | bytes, accept: str = JSON, seconds: float = SECONDS
    ) -> Json:
        """Apply what `manager` owns of an object, on the server's side, and take over what others held of it.

        `body` may be encoded already.
        """
        url = _url(path, {"fieldManager": manager, "force": "true"})
        text = body if isinstance(body, bytes) else encoded(body)
        sent = self._send("PATCH", url, body=text, content=APPLY, accept=accept, seconds=seconds)
        return await _answer(path, sent)

    async def delete(self, path: str, uid: str, resource_version: str, seconds: float = SECONDS) -> None:
        """Delete the object if it is still that very one, unchanged."""
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        with _one_error(path):
            response = await self._send("DELETE", path, body=body, seconds=seconds)
            await response.response.read()  # what it says does not matter

    async def watch(
        self, path: str, query: Mapping[str, str], accept: str, seconds: float
    ) -> AsyncGenerator[Json, None]:
        """Yield the events of a watch until the server ends it; silence beyond `seconds` in all is an error."""
        url = _url(path, {**query, "watch": "true", "allowWatchBookmarks": "true"})
        with _one_error(path):
            response = await self._send("GET", url, accept=accept, seconds=seconds)
            try:
                while line := await response.response.content.readline():
                    yield _object(line)
            finally:
                response.response.close()

    async def _send(
        self,
        method: str,
        url: str,
        *,
        body: Json | bytes | None = None,
        content: str = JSON,
        accept: str = JSON,
        seconds: float,
    ) -> "RESTResponse":
        headers = {"Accept": accept, "Content-Type": content}
        if self._client is None:
            self._client = self._access.api_client()
        client = self._client
        serialized = await client.param_serialize(method, url, header_params=headers, body=body)
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
        try:
            response = await client.call_api(*serialized, _request_timeout=timeout)
        except aiohttp.ClientSSLError:
            await self._close()  # the cluster's authorities may have changed: the next client reads them anew
            raise
        if response.status >= 300:  # noqa: PLR2004 - redirects are none that an API server makes
            raise refusal(response.status, response.headers, await response.response.read(), url.partition("?")[0])
        return response

    async def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()  # type: ignore[no-untyped-call]


async def _answer(path: str, sent: "Awaitable[RESTResponse]") -> Json:
    """Wait for the answer and read it; an ApiError if it is none of an object or a page."""
    with _one_error(path):
        answer = _object(await (await sent).response.read())
        if not (is_page(answer) if "items" in answer else is_object(answer)):
            raise ValueError(STRANGER)
        return answer


@contextmanager
def _one_error(path: str) -> Iterator[None]:
    """Whatever goes wrong on the way is an ApiError without a code."""
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ApiError(0, f"{path}: {of_error(error)}") from error
    except RecursionError as error:  # the API server takes what is nested thousands deep; no JSON reader here does
        raise ApiError(0, f"{path}: the answer cannot be read: it is nested too deep") from error
    except (ValueError, LineTooLong) as error:
        raise ApiError(0, f"{path}: {STRANGER}") from error


def refusal(code: int, headers: Mapping[str, str], body: bytes, path: str) -> ApiError:
    """Return the error for an answer that is none of success."""
    after = headers.get("Retry-After", "")
    wait = min(float(after), MOST_AFTER) if after.isdecimal() else None
    return ApiError(code, f"{path}: {of_answer(code, body)}", wait)


def is_object(value: Any) -> bool:
    """Whether it has what every object has that the API server gives."""
    return _has_texts(value, "name", "uid", "resourceVersion")


def is_page(value: Any) -> bool:
    """The same of a part of a list; an empty list of metadata has null."""
    return _has_texts(value, "resourceVersion") and isinstance(value["items"], list | None)


def _has_texts(value: Any, *names: str) -> bool:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    return isinstance(metadata, dict) and all(isinstance(metadata.get(name), str) for name in names)


def _object(text: bytes) -> Json:
    """Parse a JSON object; ValueError if it is anything else."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(STRANGER)  # noqa: TRY004 - of text that came from outside
    return value


def _url(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
