"""kopf's way to the API server: our token on each request, and an eye on what passes.

kopf does not say that a list came without the object, which is how the loss of a deletion shows, nor that a watch has
begun, nor why it retries; and it begins a watch that ends at once again at once. All of that is put right here.
"""

import asyncio
import json
import socket
from collections.abc import Callable

import aiohttp
from aiohttp import ClientConnectionError, ClientHandlerType, ClientPayloadError, ClientRequest, ClientResponse

from controller.kube import problem
from controller.kube.access import USER_AGENT, Access
from controller.kube.connector import Connector
from controller.kube.names import CONFIGS
from controller.kube.notes import Failed, Followed, Gone, Note
from controller.kube.patience import Patience
from controller.kube.request import named

HEADERS = 10.0  # seconds until an answer begins; a watch's too, however quiet it is afterwards
LASTING = 5.0  # a watch that ended sooner is not begun again at once
_REFUSED = 400
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 15), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))


class Eye:
    """The middleware that looks: tells `note` what it sees, and changes nothing but the pace."""

    def __init__(self, note: Callable[[Note], None]) -> None:
        self._note = note
        self._patience = Patience()
        self._watched_at = -LASTING

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Pass the request on."""
        verb, resource = named(request.method, request.url)
        if verb == "watch":
            await self._pace()
        try:
            response = await self._send(request, handler, verb)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._note(Failed(problem.of_error(error)))
            raise
        if response.status >= _REFUSED:
            self._note(Failed(await problem.of_response(response)))
        elif resource == CONFIGS and verb == "watch":
            self._note(Followed())
        return response

    async def _send(self, request: ClientRequest, handler: ClientHandlerType, verb: str) -> ClientResponse:
        async with asyncio.timeout(HEADERS):
            response = await handler(request)
            if verb != "watch" or response.status >= _REFUSED:
                await self._look_into(response, is_list=verb == "list")
            return response

    async def _look_into(self, response: ClientResponse, *, is_list: bool) -> None:
        """Read the whole answer, which stays readable. Half of one is as good as none, and kopf retries only none."""
        try:
            body = await response.read()
            shape = json.loads(body) if response.status < _REFUSED else {}
            is_empty = is_list and not response.status >= _REFUSED and not shape["items"]
        except (ClientPayloadError, ValueError, KeyError, TypeError, RecursionError) as error:
            response.release()
            raise ClientConnectionError("half an answer, or not the API server's") from error
        if is_empty:
            self._note(Gone())

    async def _pace(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._watched_at < LASTING:
            await asyncio.sleep(self._patience.wait())
        else:
            self._patience.reset()
        self._watched_at = asyncio.get_running_loop().time()


def session(access: Access, note: Callable[[Note], None]) -> aiohttp.ClientSession:
    """A session for the running loop; the caller closes it."""
    connector = Connector(limit=0, ssl=access.ssl_context(), socket_factory=_socket)
    return aiohttp.ClientSession(
        connector=connector,
        middlewares=(Eye(note), access.signing),
        headers={"User-Agent": USER_AGENT},
        cookie_jar=aiohttp.DummyCookieJar(),
        proxy=access.server.proxy,
    )


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket on which a peer that vanished shows within half a minute, though a watch only ever listens."""
    family, kind, protocol, _, _ = address
    sock = socket.socket(family, kind, protocol)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
    return sock
