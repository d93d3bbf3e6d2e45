"""One request to the API server and its answer: with a deadline, and every way to fail told in one line. No retries.

Below the client's own methods, which check and copy whole documents, and encode them in a way that the API server does
not take for server-side apply (see `manifest`).
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError, ClientSSLError

from controller.errors import PluginmgrError
from controller.kube.access import Access

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient

DEADLINE = 10.0  # seconds; a large object takes the API server seconds on a busy day
LONGEST_WAIT = 60.0  # seconds; more than that is not believed
MOST_SAID = 300  # characters of what the API server says
METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
APPLY = "application/apply-patch+yaml; charset=utf-8"  # with the charset, the client leaves the body as it is
MERGE = "application/merge-patch+json"

Json = dict[str, Any]


class ApiError(PluginmgrError):
    """The API server refused, or did not answer, and `code` is None; `retry_after` is what it asks for, in seconds."""

    def __init__(self, message: str, code: int | None = None, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Request:
    """`body` is bytes of an `APPLY`, else plain data."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Json | bytes | None = None


class Exchange:
    """Belongs to one loop, whose connections it keeps open until `close`."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client: ApiClient | None = None

    async def send(self, request: Request) -> Json:
        """Return the answer.

        Raises:
            ApiError: there was none, or it is not good.
        """
        try:
            async with asyncio.timeout(DEADLINE):
                status, headers, answer = await self._send(request)
        except TimeoutError as error:
            raise ApiError(f"no answer within {DEADLINE:.0f} s") from error
        except ClientSSLError as error:
            await self.close()  # the cluster's authorities may have changed: the next client reads them anew
            raise ApiError(f"no connection: {error}") from error
        except (ClientError, OSError) as error:
            raise ApiError(f"no answer: {error or type(error).__name__}") from error
        return _result(status, headers, answer)

    async def close(self) -> None:
        """Close the connections; the next request opens others."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()  # type: ignore[no-untyped-call]

    async def _send(self, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        if self._client is None:
            self._client = self._access.api_client()
        client = self._client
        method, url, headers, body, _ = await client.param_serialize(
            request.method,
            request.path,
            query_params=list(request.query.items()),
            header_params=dict(request.headers),
            body=request.body,
        )
        response = await client.call_api(method, url, headers, body, _request_timeout=DEADLINE)
        answer: bytes = await response.read()  # type: ignore[no-untyped-call]
        return response.status, response.headers, answer


def _result(status: int, headers: Mapping[str, str], answer: bytes) -> Json:
    try:
        said = json.loads(answer)
    except ValueError:
        said = None
    if 200 <= status < 300:  # noqa: PLR2004 - what HTTP calls good
        if not isinstance(said, dict):
            raise ApiError(f"{status} with an answer that is no object", status)
        return said
    text = said.get("message") if isinstance(said, dict) else answer.decode(errors="replace")
    raise ApiError(f"{status}: {' '.join(str(text).split())[:MOST_SAID]}", status, _retry_after(headers))


def _retry_after(headers: Mapping[str, str]) -> float:
    """The header's seconds; its other form, a date, no API server uses."""
    seconds = headers.get("Retry-After", "")
    return min(float(seconds), LONGEST_WAIT) if seconds.isdecimal() else 0.0
