"""`PluginManager[T]`, for Python hosts that embed the manager: the plugins of one kind, kept as a directory says.

Its names and the order of its arguments are those of blink's pluginmgr.
"""

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from controller.core.model import State
from controller.errors import PluginmgrError
from controller.manager.adapter import PluginAdapter
from controller.manager.directories import RUN_DIR_LIMIT, Directories, held
from controller.manager.embedded import Embedded
from controller.manager.host_messages import Notify
from controller.manager.journal import Journal
from controller.manager.one_kind import OneKind
from controller.manager.status import Identity, document, now
from controller.metrics import PluginManagerMetrics

T = TypeVar("T")

GRACE = 30.0  # seconds, as the command line's
PREFIX = "pm"  # of the private directory; short, since sockets' paths begin with it


class NotHereError(PluginmgrError):
    """Plugins cannot be run from where `run` was called."""


class PluginManager(Generic[T]):
    """Runs the plugins in `directory` while `run` runs, and tells `notify` who serves.

    Several can run in one process and one event loop. Nothing of the process is changed: no signal handler, no logging,
    no limits.
    """

    def __init__(
        self,
        notify: Notify,
        directory: str | os.PathLike[str],
        adapter: PluginAdapter[T],
        metrics: PluginManagerMetrics,
        *,
        config: Mapping[str, Any] = MappingProxyType({}),
        state_dir: str | os.PathLike[str] | None = None,
        secrets_dirs: Iterable[str | os.PathLike[str]] = (),
        grace: float = GRACE,
    ) -> None:
        """Take what to run; nothing is started or written before `run`.

        Args:
            notify: hears each message on the loop's thread, `ProcessPool.sync` say; what it raises ends `run`.
            directory: where the plugins lie, watched.
            adapter: what makes an item of a plugin; its `plugin_key` is the kind's name.
            metrics: counted in while `run` runs; one for each manager.
            config: `defaults`, `plugins` and `handshake` of a kind in a PluginConfig.
            state_dir: keeps binaries and what is held back over restarts, for one manager at a time. None: a private
                directory that is removed at the end.
            secrets_dirs: `fromFile` may read below these.
            grace: seconds that a cancelled `run` has to unregister, drain and stop.

        Raises:
            ConfigError: the config is not valid, or neither it nor the adapter says the handshake.
        """
        self._notify = notify
        self._kind = OneKind(adapter, Path(directory).absolute(), tuple(os.fspath(each) for each in secrets_dirs))
        self._metrics = metrics
        self._document = self._kind.document(config)
        self._state_dir = None if state_dir is None else Path(state_dir)
        self._grace = grace
        self._running: Embedded | None = None
        self._first_worker = 1

    async def run(self) -> None:
        """Reconcile and watch until cancelled; then unregister, drain and stop all within the grace.

        A second cancellation kills at once. Must be awaited on the main thread.

        Raises:
            NotHereError: on another thread, or while it runs already.
            StateDirError: the state dir is unusable or in use.
        """
        if threading.current_thread() is not threading.main_thread():
            raise NotHereError("PluginManager.run: only on the main thread; plugins die with the thread they start on")
        if self._running is not None:
            raise NotHereError("PluginManager.run: it runs already")
        async with _directories(self._state_dir) as directories:
            self._running = Embedded(self._notify, self._kind, self._metrics, directories, self._first_worker)
            try:
                await self._running.run(self._document, self._grace)
            finally:
                self._first_worker = self._running.next_worker
                self._running = None

    def configure(self, config: Mapping[str, Any]) -> None:
        """Take another config over, as if a PluginConfig was edited; on the loop's thread. Raises ConfigError."""
        self._document = self._kind.document(config)
        if self._running is not None:
            self._running.configure(self._document)

    def status(self) -> dict[str, Any]:
        """Tell what every plugin is doing and why: the PluginPodStatus document of docs/reference, with processes."""
        if self._running is not None:
            return self._running.status()
        return document(State(), Identity(self._kind.name, os.getpid(), 0.0, ""), Journal(), now())


@asynccontextmanager
async def _directories(state_dir: Path | None) -> AsyncIterator[Directories]:
    """The state dir, or a private one, and a private run dir; what is private is gone afterwards."""
    private = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_short_place()))
    try:
        with held(state_dir or private / "state", private / "run") as directories:
            yield directories
    finally:
        await asyncio.to_thread(shutil.rmtree, private, ignore_errors=True)


def _short_place() -> str:
    """The directory for temporary files, if sockets' paths may begin with it."""
    usual = tempfile.gettempdir()
    room = RUN_DIR_LIMIT - len(f"/{PREFIX}xxxxxxxx/run")
    return usual if len(os.fsencode(usual)) <= room else "/tmp"  # noqa: S108 - mkdtemp makes what it makes safely
