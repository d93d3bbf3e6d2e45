"""The host's side of the registry: the controller's messages, with handles that can be called, from another container.

Losing the controller costs a host nothing but news: it goes on with the workers that it knows, and comes back.
"""

import asyncio
import logging
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import grpc.aio

from controller.core.model import WorkerId
from controller.goplugin import open_channel
from controller.manager.host_messages import Notify
from controller.pool import ProcessPool
from controller.registry.channels import GRACE_SECONDS, Channels, Item, bare
from controller.registry.mirror import Mirror
from controller.registry.pb import registry_pb2 as pb
from controller.registry.pb.registry_pb2_grpc import RegistryStub
from controller.registry.wire import LONGEST_NAME

SOCKET = "registry.sock"
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0  # seconds; each is cut by up to a half, at random
LEAVE_SECONDS = 0.5  # for the registry to hear of it

log = logging.getLogger(__name__)


class RegistryClient:
    """Feeds `notify` on the loop's thread, in order per plugin.

    `host` names this process: unlike all others on the pod, the same over reconnects. `item` makes what is called.
    `on_link` hears why there is no connection, and an empty text when there is one, before the first message comes.
    """

    def __init__(
        self,
        run_dir: Path | str,
        notify: Notify,
        *,
        host: str,
        item: Item = bare,
        on_link: Callable[[str], None] = lambda _: None,
    ) -> None:
        if not 1 <= len(host) <= LONGEST_NAME:
            raise ValueError(f"host must have 1 to {LONGEST_NAME} characters, not {len(host)}")
        self._run_dir = Path(run_dir).absolute()
        self._notify = notify
        self._host = host
        self._item = item
        self._on_link = on_link
        self._link: _Link | None = None
        self._is_left = False

    def leave(self) -> None:
        """Answer for every worker and end `run`, for good. For when no call runs any more: then nobody waits for us."""
        self._is_left = True
        if self._link:
            self._link.leave()

    async def run(self) -> None:
        """Follow the registry until cancelled or left, over any number of connections; then every channel is closed."""
        async with asyncio.TaskGroup() as group:
            channels = Channels(group, self._item)
            self._link = link = _Link(self._run_dir, self._host, self._notify, channels, self._on_link)
            if self._is_left:
                link.leave()
            try:
                await link.keep()
            finally:
                await channels.close_all()


class _Link:
    """One connection after the other, and what is known over all of them."""

    def __init__(
        self, run_dir: Path, host: str, notify: Notify, channels: Channels, on_link: Callable[[str], None]
    ) -> None:
        self._socket = run_dir / SOCKET
        self._host = host
        self._notify = notify
        self._channels = channels
        self._mirror = Mirror(run_dir, channels.open, self._vanished, self._drained)
        self._answers: asyncio.Queue[WorkerId | None] = asyncio.Queue()  # None: we leave
        self._leaving = asyncio.Event()
        self._on_link = on_link
        self._noted: set[str] = set()

    def leave(self) -> None:
        self._leaving.set()
        self._answers.put_nowait(None)

    async def keep(self) -> None:
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        while not self._leaving.is_set():
            began = loop.time()
            trouble = await self._connect()
            if self._leaving.is_set():
                return
            self._note(trouble)
            # A connection that did not last counts as a failed one: two hosts of one name cut each other for ever.
            pause = FIRST_PAUSE if loop.time() - began > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause * random.uniform(0.5, 1)):  # noqa: S311 - jitter
                    await self._leaving.wait()

    async def _connect(self) -> str:
        """Follow until the connection ends; why it did."""
        try:
            os.stat(self._socket)  # noqa: PTH116 - cheaper than a channel that finds nobody
        except OSError as error:
            return f"{self._socket}: {error.strerror}"
        channel = open_channel("unix", str(self._socket))
        try:
            call = RegistryStub(channel).Watch()
            async with asyncio.TaskGroup() as group:
                answering = group.create_task(self._answer(call), name="answer the registry")
                try:
                    return await self._follow(call)
                finally:
                    answering.cancel()
        finally:
            await channel.close()

    async def _answer(self, call: Any) -> None:
        """Say who we are, then which workers are drained, in the end all; trouble is the reader's to tell."""
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await call.write(pb.WatchRequest(hello=pb.Hello(host=self._host, holds=self._mirror.holds)))
            while (worker := await self._answers.get()) is not None:
                await call.write(_drained(worker))
            for worker in self._mirror.holds:
                await call.write(_drained(worker))
            await call.done_writing()

    async def _follow(self, call: Any) -> str:
        sequence = 0
        try:
            async for response in call:
                sequence += 1
                is_first, is_snapshot = sequence == 1, response.WhichOneof("message") == "snapshot"
                if response.sequence != sequence or is_first != is_snapshot:
                    return f"message {response.sequence} came where {sequence} was due"
                if is_first:
                    self._note("")
                for message in self._mirror.read(response):
                    self._notify(message)
        except grpc.aio.AioRpcError as error:
            return f"{error.code().name} {error.details() or ''}".rstrip()
        return "the controller hung up"

    def _note(self, trouble: str) -> None:
        """Tell once that the connection is there (empty), and each sort of trouble once until it is there again."""
        sort = trouble.partition(" ")[0]
        if sort in self._noted:
            return
        self._noted = (self._noted | {sort}) - {""} if trouble else {""}
        self._on_link(trouble)
        if trouble:
            log.warning("no connection to the registry", extra={"host": self._host, "why": trouble})
        else:
            log.info("connected to the registry", extra={"host": self._host})

    def _drained(self, worker: WorkerId) -> None:
        if self._mirror.drained(worker):
            self._answers.put_nowait(worker)
            self._channels.close(worker)

    def _vanished(self, worker: WorkerId) -> None:
        self._channels.close(worker, GRACE_SECONDS)


def _drained(worker: WorkerId) -> pb.WatchRequest:
    return pb.WatchRequest(drained=pb.Drained(worker=worker))


@asynccontextmanager
async def follow(
    run_dir: Path | str, *, host: str, item: Item = bare, grace: float | None = None
) -> AsyncIterator[ProcessPool[Any]]:
    """A pool that follows the registry for the length of the block; at its end calls in flight are waited for.

    For `grace` seconds if it is given: then the channels are closed under them.
    """
    pool: ProcessPool[Any] = ProcessPool()
    client = RegistryClient(run_dir, pool.sync, host=host, item=item)
    try:
        async with asyncio.TaskGroup() as group:
            following = group.create_task(client.run(), name="follow the registry")
            try:
                yield pool
            finally:
                with suppress(TimeoutError):
                    async with asyncio.timeout(grace):
                        await pool.close()
                client.leave()
                await asyncio.wait({following}, timeout=LEAVE_SECONDS)
                following.cancel()
    except BaseExceptionGroup as failed:
        if len(failed.exceptions) > 1:
            raise
        raise failed.exceptions[0] from None  # the block's own exception, as it was raised
