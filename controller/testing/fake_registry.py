"""A registry without a controller: hosts follow it as the real one, and it says what the test wants said.

The server is the controller's own; only who feeds it is not.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from controller.core.model import Digest, LaunchId, PluginKey, Reported, Version, WorkerId
from controller.http import listen_unix
from controller.manager.handle import PluginHandle
from controller.manager.host_messages import RegisterMessage, RemoveMessage, UnregisterMessage, UpdateMessage
from controller.registry.server import RegistryServer
from controller.testing.fake_worker import FakeWorker, Method, serve

PAUSE = 0.005  # seconds between two looks at something waited for
DEADLINE = 10.0


class FakeRegistry:
    """Serves `run_dir`/registry.sock while its `async with` block lasts; all of it in that block's event loop.

    `answers` maps a worker's id to the hosts that said Drained of it. A worker that all hosts answered for goes on
    answering calls until the block ends, so that one which comes too late is counted: `late_calls`.
    """

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.answers: defaultdict[str, set[str]] = defaultdict(set)
        self._server = _Listening(run_dir, self.answers)
        self._workers: list[FakeWorker] = []
        self._serving: dict[PluginKey, tuple[FakeWorker, ...]] = {}
        self._going: dict[WorkerId, FakeWorker] = {}
        self._gone: dict[WorkerId, int] = {}  # how many calls each had had when the last host answered
        self._numbers = count(1)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Listen."""
        listener = self._stack.enter_context(listen_unix(self.run_dir / "registry.sock"))
        group = await self._stack.enter_async_context(asyncio.TaskGroup())
        serving = group.create_task(self._server.run(listener, self.run_dir / "grpc.sock"), name="fake registry")
        self._stack.callback(serving.cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all workers, then the registry."""
        for worker in self._workers:
            await worker.stop()
        try:
            await self._stack.__aexit__(kind, error, trace)
        except BaseExceptionGroup as failed:
            if failed.exceptions != (error,):  # else the block's own exception is raised, as it was
                raise

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of the hosts that are connected."""
        return self._server.hosts

    def serving(self, plugin: str) -> tuple[FakeWorker, ...]:
        """The workers that hosts were told to use."""
        return self._serving.get(PluginKey(plugin), ())

    # --- what a controller does

    async def worker(
        self,
        plugin: str,
        methods: Mapping[str, Method],
        *,
        adapter: str = "standard",
        concurrency: int | None = None,
        reported: Reported = Reported(),
    ) -> FakeWorker:
        """Start a worker that no host knows yet: as a candidate's, until it is registered or part of an update."""
        number = next(self._numbers)
        handle = PluginHandle(
            worker=WorkerId(f"fake-{number}"),
            plugin=PluginKey(plugin),
            version=Version(Digest(f"{number:064x}"), LaunchId("fake")),
            pid=number,
            network="unix",
            address=str(self.run_dir / f"worker-{number}"),
            reported=reported,
            item=None,
            adapter=adapter,
            concurrency=concurrency,
        )
        self._workers.append(await serve(handle, methods))
        return self._workers[-1]

    def register(self, plugin: str, *workers: FakeWorker) -> None:
        """These begin to serve; nothing did."""
        key, handles = PluginKey(plugin), tuple(each.handle for each in workers)
        self._serving[key] = workers
        self._server.notify(RegisterMessage(key, handles[0].version, handles, len(handles)))

    def update(self, plugin: str, *workers: FakeWorker) -> None:
        """These serve from now on; those that did and are not among them drain."""
        key, handles = PluginKey(plugin), tuple(each.handle for each in workers)
        draining = self._drain(key, workers)
        self._server.notify(
            UpdateMessage(key, handles[0].version, handles, len(handles), draining, on_drained=self._drained)
        )

    def unregister(self, plugin: str) -> None:
        """Nothing serves; what did drains."""
        key = PluginKey(plugin)
        self._server.notify(UnregisterMessage(key, self._drain(key, ()), on_drained=self._drained))

    def remove(self, plugin: str) -> None:
        """The file is gone; what served drains."""
        key = PluginKey(plugin)
        self._server.notify(RemoveMessage(key, self._drain(key, ()), on_drained=self._drained))

    async def crash(self, worker: FakeWorker) -> None:
        """Kill a serving worker, then tell hosts of those that are left."""
        await worker.stop()
        key = worker.handle.plugin
        left = self._serving[key] = tuple(each for each in self._serving[key] if each is not worker)
        self.update(key, *left) if left else self.unregister(key)

    async def end(self, worker: FakeWorker) -> None:
        """Stop a worker whose drain has lasted long enough, whoever owes an answer."""
        await worker.stop()
        self._server.ended(worker.handle.worker)
        self._going.pop(worker.handle.worker, None)

    # --- what a test waits for, and what it sees

    def late_calls(self) -> dict[str, int]:
        """Workers that were called after all hosts had said Drained, with the number of those calls: a host's fault."""
        calls = {each.handle.worker: each.calls for each in self._workers}
        return {worker: calls[worker] - before for worker, before in self._gone.items() if calls[worker] != before}

    def is_drained(self, worker: FakeWorker) -> bool:
        """Whether the worker was drained and all hosts have answered."""
        return worker.handle.worker in self._gone

    async def until(self, fits: Callable[[], object], deadline: float = DEADLINE) -> None:
        """Return when it fits, `lambda: "my-host" in registry.hosts` say. TimeoutError after `deadline` seconds."""
        async with asyncio.timeout(deadline):
            while not fits():  # noqa: ASYNC110 - anything may be asked
                await asyncio.sleep(PAUSE)

    # --- drains

    def _drain(self, plugin: PluginKey, staying: tuple[FakeWorker, ...]) -> tuple[WorkerId, ...]:
        going = [each for each in self._serving.get(plugin, ()) if each not in staying]
        self._serving[plugin] = staying
        self._going |= {each.handle.worker: each for each in going}
        return tuple(each.handle.worker for each in going)

    def _drained(self, worker: WorkerId) -> None:
        self._gone[worker] = self._going.pop(worker).calls


class _Listening(RegistryServer):
    """Notes in `answers` who said Drained of whom."""

    def __init__(self, run_dir: Path, answers: defaultdict[str, set[str]]) -> None:
        super().__init__(run_dir, admit=lambda _peer, _group: None)
        self._answers = answers

    async def Watch(  # type: ignore[override]  # noqa: N802 - as in the class it is of
        self, request_iterator: Any, context: Any
    ) -> None:
        """Serve one host."""
        await super().Watch(self._noting(request_iterator), context)

    async def _noting(self, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        host = ""
        async for request in requests:
            if request.WhichOneof("message") == "hello":
                host = request.hello.host
            elif request.WhichOneof("message") == "drained":
                self._answers[request.drained.worker].add(host)
            yield request
