"""What every API server has that a test plays: an address, a thread of its own, and a kubeconfig that leads there."""

import json
from abc import ABC, abstractmethod
from pathlib import Path

from aiohttp import web

from tests.cluster.loop_thread import LoopThread


class LoopServer(ABC):
    """Serves plain HTTP at `url`, so that tests may block, until `close`."""

    def __init__(self, name: str) -> None:
        self.thread = LoopThread(name)
        self.url = self.thread.run(self._listen())

    @abstractmethod
    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; in the thread."""

    def close(self) -> None:
        """Cut all connections and end."""
        self.thread.run(self._runner.cleanup())
        self.thread.close()

    def cut(self) -> None:
        """Break all connections that are open now, watches above all."""
        self.thread.call(lambda: [each.transport.abort() for each in self._runner.server.connections if each.transport])

    def kubeconfig(self, path: Path, token: str = "any") -> Path:
        """Write a kubeconfig with which a client comes here."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "fake", "user": {"token": token}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake", "namespace": "default"}}],
        }
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    async def _listen(self) -> str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.01, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"
