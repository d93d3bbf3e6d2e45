"""The composition root of `pluginmgr aggregate`: copies of three collections, a lease, and what is made of them.

Nothing of the controller runs in here: no plugins, no volume, no core.
"""

import asyncio
import logging
import signal
import socket
import time
import uuid
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from controller.app.aggregate_metrics import AggregateMetrics, Parts
from controller.http import Check, Checks, Probes, listen_tcp, serve
from controller.kube.access import Access
from controller.kube.aggregator import Aggregator
from controller.kube.collector import LIVE, Collector
from controller.kube.lease import Lease
from controller.kube.names import CONFIGS, GROUP, STATUSES, VERSION
from controller.kube.reflector import Collection, Reflector
from controller.kube.report import Reader
from controller.kube.rest import Rest
from controller.kube.summary import config_seen
from controller.metrics.api import ApiMetrics

log = logging.getLogger(__name__)

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
LEASE: Final = "pluginmgr-aggregator"
STATUS_PAGE: Final = 100  # one may have 100 KiB with its log lines, and a page is in memory as text and as objects
STUCK_SECONDS: Final = 120.0  # without as much as a failed try


def aggregate(namespace: str | None, http: str, kubeconfig: Path | None, environ: Mapping[str, str]) -> int:
    """Write the summaries of a namespace until SIGTERM or SIGINT; returns the exit code.

    Raises:
        PluginmgrError: no way to the API server is known, or the HTTP address cannot be listened on.
    """
    api = ApiMetrics()
    access = Access.find(kubeconfig, environ, api.observe)
    me = f"{environ.get('PLUGINMGR_POD_NAME') or socket.gethostname()}_{uuid.uuid4()}"
    with listen_tcp(http) as probes:
        log.info("listening", extra={"http": "{}:{}".format(*probes.getsockname()[:2])})
        asyncio.run(_run(access, api, namespace or access.namespace, me, probes))
    log.info("stopped")
    return 0


async def _run(access: Access, api: ApiMetrics, namespace: str, me: str, probes: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    async with Rest(access) as rest:
        running = asyncio.create_task(Aggregate(rest, api, namespace, me).run(probes), name="aggregate")
        is_asked = False

        def signalled() -> None:
            nonlocal is_asked
            is_asked = True
            running.cancel()

        for number in SIGNALS:
            loop.add_signal_handler(number, signalled)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        try:
            await running
        except asyncio.CancelledError:
            if not is_asked:
                raise


class Aggregate:
    """The parts, wired; implements `http.Health`."""

    def __init__(self, rest: Rest, api: ApiMetrics, namespace: str, me: str) -> None:
        ours = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}"
        self._api = api
        self._lease = Lease(rest, namespace, LEASE, me)
        self._aggregator = Aggregator(rest, namespace, self._may_write)
        self._configs = Reflector(
            rest, Collection(CONFIGS, f"{ours}/{CONFIGS}"), config_seen, self._aggregator.config_changed
        )
        self._statuses = Reflector(
            rest,
            Collection(STATUSES, f"{ours}/{STATUSES}", page=STATUS_PAGE),
            Reader().read,
            self._aggregator.report_changed,
        )
        pods = Collection("pods", f"/api/v1/namespaces/{namespace}/pods", selector=LIVE, is_metadata_only=True)
        self._pods = Reflector(rest, pods, _uid)
        self._collector = Collector(rest, namespace, self._statuses.items, self._pods.items, self._may_delete)

    async def run(self, probes: socket.socket) -> None:
        """Run until cancelled, and give the lease back."""
        metrics = AggregateMetrics(self.parts())
        works = {
            "pluginconfigs": self._configs.run(),
            "pluginpodstatuses": self._statuses.run(),
            "pods": self._pods.run(),
            "aggregator": self._aggregator.run(),
            "collector": self._collector.run(),
            "lease": self._lease.run(),
            "probes": serve(Probes(self, metrics.render).handle, probes),
        }
        async with asyncio.TaskGroup() as group:
            for name, work in works.items():
                group.create_task(work, name=name)

    def parts(self) -> Parts:
        """What the metrics are read from."""
        return Parts(
            aggregator=self._aggregator,
            collector=self._collector,
            is_leader=lambda: self._lease.is_held,
            ages=self._ages(),
            api=self._api,
            version=version("pluginmgr"),
        )

    def livez(self) -> Checks:
        """A part that hangs cannot be helped but by a restart; one whose requests fail can."""
        now = time.monotonic()
        tried = {name: reflector.tried_at for name, reflector in self._reflectors().items()}
        tried["summaries"] = self._aggregator.turned_at
        return tuple(
            Check(name, ok=now - at < STUCK_SECONDS, why=f"nothing was tried for {now - at:.0f} s")
            for name, at in tried.items()
        )

    def readyz(self) -> Checks:
        """Everything was listed once. The lease is no part of it: who waits for it is as ready."""
        return tuple(
            Check(name, ok=reflector.is_synced, why="not listed yet, see the log")
            for name, reflector in self._reflectors().items()
        )

    def _may_write(self) -> bool:
        return self._lease.is_held and self._configs.is_synced and self._statuses.is_synced

    def _may_delete(self) -> bool:
        return self._lease.is_held and self._statuses.is_synced and self._pods.is_synced

    def _reflectors(self) -> dict[str, Reflector[Any]]:
        return {CONFIGS: self._configs, STATUSES: self._statuses, "pods": self._pods}

    def _ages(self) -> dict[str, Any]:
        def age_of(reflector: Reflector[Any]) -> Any:
            return lambda: time.monotonic() - reflector.heard_at

        return {name: age_of(reflector) for name, reflector in self._reflectors().items()}


def _uid(document: Mapping[str, Any]) -> str:
    uid: str = document["metadata"]["uid"]
    return uid
