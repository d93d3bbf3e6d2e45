"""What waits to be sent to one host: bounded, whatever the host does."""

import asyncio
from collections import deque
from typing import TypeAlias

import grpc

from controller.registry.pb import registry_pb2 as pb

MOST_MESSAGES = 1024
MOST_BYTES = 4 * 1024 * 1024  # beside the snapshot, and unless one message alone has more

End: TypeAlias = tuple[grpc.StatusCode, str]


class Feed:
    """The messages for one Watch, in order. Over its bound it ends itself; once it has ended it holds nothing."""

    def __init__(self, host: str, snapshot: pb.WatchResponse) -> None:
        self.host = host
        self.ended: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._waiting: deque[tuple[pb.WatchResponse, int]] = deque([(snapshot, 0)])
        self._bytes = 0
        self._sequence = 0
        self._news = asyncio.Event()

    @property
    def length(self) -> int:
        """How many messages wait."""
        return len(self._waiting)

    def put(self, message: pb.WatchResponse) -> None:
        """Queue a message, which several feeds may share; too many end the feed."""
        if self.ended.done():
            return
        size = message.ByteSize()
        if self._waiting and (self.length >= MOST_MESSAGES or self._bytes + size > MOST_BYTES):
            self.end(grpc.StatusCode.RESOURCE_EXHAUSTED, f"host {self.host!r} is too slow: {self.length} messages wait")
            return
        self._waiting.append((message, size))
        self._bytes += size
        self._news.set()

    async def get(self) -> pb.WatchResponse:
        """Take the next message, with its sequence number."""
        while not self._waiting:
            self._news.clear()
            await self._news.wait()
        message, size = self._waiting.popleft()
        self._bytes -= size
        self._sequence += 1
        numbered = pb.WatchResponse(sequence=self._sequence)
        numbered.MergeFrom(message)
        return numbered

    def end(self, code: grpc.StatusCode, text: str) -> None:
        """Drop what waits; only the first end counts."""
        if not self.ended.done():
            self.ended.set_result((code, text))
            self._waiting.clear()
