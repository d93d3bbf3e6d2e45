"""One connection from its first byte to its last, over h11. What is asked and answered is the handler's business.

Everything a peer does is bounded: how long it may be silent, how long a request may take to arrive, how large its head
and body are, how long it may leave an answer unread.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from urllib.parse import parse_qsl

import h11

from controller.http.exchange import TEXT, Handler, Request, Response, text

log = logging.getLogger(__name__)

CHUNK = 64 * 1024
LINGER = 1.0  # seconds to read on after a refusal: closing over unread bytes would reset the answer away


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes, for one connection; `connections` for all of a listener."""

    connections: int = 64
    head: int = 16 * 1024
    body: int = 64 * 1024
    idle: float = 30.0
    request: float = 5.0
    write: float = 30.0


class Refused(Exception):  # noqa: N818 - it is an answer
    """A request that no handler shall see."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Connection:
    """Serves requests one after the other until the peer or a limit ends it; `refusal` set: one 403 and no more."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits, refusal: str | None = None
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._limits = limits
        self._refusal = refusal
        self._wire = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head)
        self.is_idle = True  # waits for a request of which nothing has come yet

    async def run(self, handler: Handler) -> None:
        """Return when the connection is closed; cancelled, it is cut off."""
        try:
            await self._converse(handler)
            self._writer.close()
            async with asyncio.timeout(self._limits.write):
                await self._writer.wait_closed()
        except OSError as error:  # gone, or slower than the limits allow (TimeoutError): nobody is left to tell
            log.debug("http peer is gone", extra={"error": repr(error)})
        finally:
            self.abort()

    def abort(self) -> None:
        """Cut it off; what waits for the peer sees the end of the stream."""
        self._writer.transport.abort()

    async def _converse(self, handler: Handler) -> None:
        while True:
            try:
                request = await self._read_request()
            except h11.RemoteProtocolError as error:
                return await self._refuse(error.error_status_hint, str(error))
            except Refused as refused:
                return await self._refuse(refused.status, str(refused))
            if request is None:
                return None
            await self._respond(request, await _answer(handler, request))
            if self._wire.our_state is not h11.DONE or self._wire.their_state is not h11.DONE:
                return None
            self._wire.start_next_cycle()

    # --- in ---------------------------------------------------------------------------------------------------------

    async def _read_request(self) -> Request | None:
        self.is_idle = not self._wire.trailing_data[0]
        if self.is_idle:
            async with asyncio.timeout(self._limits.idle):
                await self._receive()
            self.is_idle = False
        try:
            async with asyncio.timeout(self._limits.request):
                event = await self._next_event()
                if not isinstance(event, h11.Request):
                    return None
                await self._skip_body()
        except TimeoutError:
            raise Refused(408, "the request did not arrive in time") from None
        if self._refusal is not None:
            raise Refused(403, self._refusal)
        return _understand(event)

    async def _skip_body(self) -> None:
        """No request to us has a body that says anything; a small one is tolerated."""
        if self._wire.they_are_waiting_for_100_continue:
            return
        size = 0
        while isinstance(event := await self._next_event(), h11.Data):
            size += len(event.data)
            if size > self._limits.body:
                raise Refused(413, f"a request body may have {self._limits.body} bytes")

    async def _next_event(self) -> h11.Event:
        while not isinstance(event := self._wire.next_event(), h11.Event):
            await self._receive()
        return event

    async def _receive(self) -> None:
        self._wire.receive_data(await self._reader.read(CHUNK))

    # --- out --------------------------------------------------------------------------------------------------------

    async def _refuse(self, status: int, message: str) -> None:
        if self._wire.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        answer = text(status, message)
        await self._respond(None, Response(status, answer.body, TEXT, (("Connection", "close"),)))
        self._writer.write_eof()
        try:
            async with asyncio.timeout(LINGER):
                while await self._reader.read(CHUNK):
                    pass
        except TimeoutError:
            return

    async def _respond(self, request: Request | None, response: Response) -> None:
        headers = [("Content-Type", response.content_type), *response.headers]
        if isinstance(response.body, bytes):
            headers.append(("Content-Length", str(len(response.body))))
            await self._send(h11.Response(status_code=response.status, headers=headers, reason=b""))
            if request is None or request.method != "HEAD":
                await self._send(h11.Data(data=response.body))
        else:
            headers.append(("Connection", "close"))  # while it streams, what the peer sends is read and dropped
            await self._send(h11.Response(status_code=response.status, headers=headers, reason=b""))
            await self._stream(response.body)
        await self._send(h11.EndOfMessage())

    async def _stream(self, body: AsyncGenerator[bytes, None]) -> None:
        try:
            async with asyncio.TaskGroup() as group, aclosing(body):
                watch = group.create_task(self._watch_for_end(), name="http peer")
                async for chunk in body:
                    await self._send(h11.Data(data=chunk))
                watch.cancel()
        except* OSError:
            log.debug("http peer left a stream")
        except* Exception:  # a bug in a view, see _answer
            log.exception("cannot go on with an http stream")
        else:
            return
        raise ConnectionAbortedError("the stream was cut off")

    async def _watch_for_end(self) -> None:
        while await self._reader.read(CHUNK):
            pass
        raise ConnectionResetError("the peer went away")

    async def _send(self, event: h11.Event) -> None:
        if data := self._wire.send(event):
            self._writer.write(data)
        async with asyncio.timeout(self._limits.write):
            await self._writer.drain()


def _understand(event: h11.Request) -> Request:
    target = event.target.decode("ascii")
    path, _, query = target.partition("?")
    accept = next((value.decode("latin-1") for name, value in event.headers if name == b"accept"), "")
    return Request(event.method.decode("ascii"), path, dict(parse_qsl(query, keep_blank_values=True)), accept)


async def _answer(handler: Handler, request: Request) -> Response:
    try:
        return await handler(request)
    except Exception:  # a bug in a view must be seen, and must not end the plugins that the view is about
        log.exception("cannot answer an http request", extra={"method": request.method, "path": request.path})
        return text(500, "internal error, see the controller's log")
