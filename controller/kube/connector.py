"""kopf's connections, which end with its loop at the latest. What is sent on them is not looked at here."""

import asyncio
from typing import Any
from weakref import WeakSet

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace


class Connector(aiohttp.TCPConnector):
    """Closed, it has closed every connection that it ever made.

    aiohttp says goodbye on a TLS connection whose watch was cancelled, and forgets it. A loop that ends before the
    answer leaves the descriptor to the garbage collector.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._made: WeakSet[asyncio.Transport] = WeakSet()  # those still open are kept by the loop

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp asks for it
    ) -> Connection:
        """Take one from the pool or make one."""
        connection = await super().connect(req, traces, timeout)
        if connection.transport is not None:
            self._made.add(connection.transport)
        return connection

    async def close(self, *, abort_ssl: bool = False) -> None:
        """Close all of them, those that say goodbye too; who has vanished would never answer."""
        for each in self._made:
            each.abort()
        await super().close(abort_ssl=abort_ssl)
        await asyncio.sleep(0)  # the loop closes what was aborted in its next turn
