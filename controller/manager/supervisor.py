"""One worker, from its launch to the last trace of it, told in a straight line.

A supervisor decides nothing: what its worker lives through becomes events for the core, and the core's Stop and Kill
reach it through `stop` and `kill`. However it ends, `Stopped` is the last event of its worker.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from controller.core.actions import Start, Stop
from controller.core.events import Event, Failed, Started, Stopped
from controller.core.model import Exit, Reported, WorkerId
from controller.core.reasons import Reason
from controller.errors import PluginmgrError
from controller.goplugin import Command, Handshake, LaunchError, Limits, ProcessExit, Session, launch
from controller.manager.adapter import AdapterError, Dispensed, Plugin, PluginAdapter, PluginLifecycle
from controller.manager.foreign import EndedError, ForeignError, attend, say_goodbye
from controller.manager.handle import PluginHandle
from controller.manager.journal import Journal
from controller.manager.watches import Watches
from controller.manager.workplace import Places, Workplace

log = logging.getLogger(__name__)

TAG = "PLUGINMGR_WORKER"
PATH = "PLUGINMGR_PLUGIN_PATH"
CONFIG = "PLUGINMGR_CONFIG"
MOST_SAID = 256 * 1024  # bytes: they travel in each message to each host
MOST_CALLS = 2**31 - 1  # at once on one worker: hosts count in 32 bits


@dataclass(frozen=True, slots=True)
class Site:
    """What all supervisors of one controller share. `submit` takes events from the loop's thread."""

    instance: str  # names this controller's workers among all processes of the machine
    places: Places
    adapter: Callable[[str], PluginAdapter[Any]]
    environment: Mapping[str, str]  # the allow-listed part of our own
    journal: Journal
    watches: Watches
    submit: Callable[[Event], None]


class Supervisor:
    """Owns one subprocess. `run` is its whole life; `handle` is set once the worker has been up."""

    def __init__(self, start: Start, site: Site) -> None:
        self.start = start
        self.handle: PluginHandle[Any] | None = None
        self._site = site
        self._session: Session | None = None
        self._lifecycle: PluginLifecycle | None = None
        self._stop: asyncio.Future[Stop] = asyncio.get_running_loop().create_future()
        self._launching: asyncio.Timeout | None = None

    @property
    def worker(self) -> WorkerId:
        """The worker's id."""
        return self.start.worker

    def stop(self, stop: Stop) -> None:
        """End the worker as `stop` says; a launch under way is cut off. Only the first call counts."""
        if self._stop.done():
            return
        self._stop.set_result(stop)
        if self._launching:
            self._launching.reschedule(asyncio.get_running_loop().time())

    def kill(self) -> None:
        """End the worker now, also in the middle of a stop."""
        if self._session:
            self._session.kill()
        self.stop(Stop(self.worker, shutdown=0, kill=0))

    async def run(self) -> None:
        """Launch, report, watch, stop, clean up."""
        try:
            workplace = self._site.places.workplace(self.worker, self.start.target.launch.config)
            async with workplace as place, AsyncExitStack() as stack:
                await self._live(place, stack)
        except LaunchError as error:
            self._failed(Reason(error.failure.value), str(error), error.exit)
        except PluginmgrError as error:
            self._failed(Reason.ADAPTER_FAILED, f"adapter {self.start.target.launch.adapter!r}: {error}")
        except OSError as error:
            self._failed(Reason.SPAWN_FAILED, f"cannot prepare {self.worker}: {error}")
        except Exception as error:  # a bug, met on the way of one worker, costs that worker and not all the others
            log.exception("a worker's supervisor failed", extra={"plugin": self.start.plugin, "worker": self.worker})
            self._failed(Reason.INTERNAL_ERROR, f"{type(error).__name__}: {error}")
        finally:
            self._site.submit(Stopped(self.worker))

    async def _live(self, place: Workplace, stack: AsyncExitStack) -> None:
        session = await self._launch(place, stack)
        if session is None:
            return
        with self._site.watches.watching(self.start, session, self._lifecycle):
            ends: set[asyncio.Future[Any]] = {session.exit, self._stop}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if self._stop.done():
            stop = self._stop.result()
            await session.stop(stop.shutdown, stop.kill, self._farewell if self._lifecycle else None)
        else:
            self._ended(session.exit.result(), "")

    async def _farewell(self, seconds: float) -> None:
        if self._lifecycle and self._session:
            problem = await say_goodbye(self._lifecycle, seconds, self._session)
            if problem:
                fields = {"plugin": self.start.plugin, "worker": self.worker, "problem": problem}
                log.warning("a plugin did not take its shutdown call", extra=fields)

    async def _launch(self, place: Workplace, stack: AsyncExitStack) -> Session | None:
        """Bring the worker up and report it; None if a stop cut the launch off."""
        if self._stop.done():
            return None
        try:
            async with asyncio.timeout(None) as self._launching:
                session = await stack.enter_async_context(self._session_at(place, stack))
                self._session = session
                dispensed = await self._dispense(session)
        except TimeoutError:
            return None
        except EndedError:
            self._ended(session.exit.result(), " during the adapter's handshake")
            return None
        finally:
            self._launching = None
        self._lifecycle, self.handle = dispensed.lifecycle, self._handle(session, dispensed)
        self._site.submit(Started(self.worker, session.pid, dispensed.reported))
        return session

    def _handle(self, session: Session, dispensed: Dispensed[Any]) -> PluginHandle[Any]:
        name = self.start.target.launch.adapter
        return PluginHandle(
            worker=self.worker,
            plugin=self.start.plugin,
            version=self.start.target.version,
            pid=session.pid,
            network=session.network,
            address=session.address,
            reported=dispensed.reported,
            item=dispensed.item,
            adapter=name,
            concurrency=_calls_at_once(self._site.adapter(name).concurrency),
        )

    def _session_at(self, place: Workplace, stack: AsyncExitStack) -> AbstractAsyncContextManager[Session]:
        target, spec = self.start.target, self.start.spec
        wanted = target.launch.handshake
        return launch(
            self._command(place),
            Handshake(wanted.cookie_key, wanted.cookie_value, wanted.protocol_versions),
            start_timeout=spec.start_timeout,
            emit=partial(self._site.journal.emit, self.start.plugin, self.worker),
            on_spawn=lambda pid: stack.enter_context(self._site.watches.memory.watching(self.start, pid)),
            rate=spec.logs.rate,
            tag=f"{TAG}={self._site.instance}/{self.worker}",
        )

    async def _dispense(self, session: Session) -> Dispensed[Any]:
        timeout = self.start.spec.start_timeout

        async def handshake() -> Dispensed[Any]:
            adapter = self._site.adapter(self.start.target.launch.adapter)
            return await adapter.handshake(adapter.connect(session.channel), self._plugin())

        try:
            dispensed = await attend(handshake, timeout, session)
        except TimeoutError as error:
            raise AdapterError(f"the plugin did not answer its handshake within {timeout:g} s") from error
        except ForeignError as error:
            raise AdapterError(str(error)) from error
        if not isinstance(dispensed, Dispensed):
            raise AdapterError(f"it gave {type(dispensed).__name__}, not Dispensed")
        if not _is_sound(dispensed.reported):
            raise AdapterError(f"it gave {dispensed.reported!r}, not Reported with texts")
        if (size := _size(dispensed.reported)) > MOST_SAID:
            raise AdapterError(f"it gave {size} bytes about the plugin, and at most {MOST_SAID} are taken")
        return dispensed

    def _plugin(self) -> Plugin:
        target, (kind, _, name) = self.start.target, self.start.plugin.partition("/")
        metadata = json.loads(target.launch.metadata) if target.launch.metadata else {}
        return Plugin(kind, name, target.binary.path, target.binary.digest, metadata)

    def _command(self, place: Workplace) -> Command:
        target = self.start.target
        env = {
            **self._site.environment,
            **target.launch.env,
            PATH: target.binary.path,
            **({CONFIG: str(place.config)} if place.config else {}),
        }
        limits = Limits(open_files=target.launch.limits.open_files, file_size=target.launch.limits.file_size)
        return Command(
            program=target.binary.executable,
            args=target.launch.args,
            env=env,
            cwd=str(place.work),
            socket_dir=str(place.sockets),
            limits=limits,
        )

    def _ended(self, how: ProcessExit, when: str) -> None:
        self._failed(Reason.KILLED if how.signal else Reason.EXITED, f"the process ended{when}: {how}", how)

    def _failed(self, reason: Reason, message: str, how: ProcessExit | None = None) -> None:
        code, signal = (how.code, how.signal) if how else (None, None)
        self._site.submit(Failed(self.worker, Exit(reason, message, time.time(), code, signal)))


def _calls_at_once(concurrency: object) -> int | None:
    """Give what an adapter says, if hosts can live with it."""
    if concurrency is None:
        return None
    if isinstance(concurrency, int) and not isinstance(concurrency, bool) and 1 <= concurrency <= MOST_CALLS:
        return concurrency
    raise AdapterError(f"its concurrency is {concurrency!r}, neither None nor a number from 1 to {MOST_CALLS}")


def _is_sound(reported: object) -> bool:
    """Whether the core can live with what foreign code says of a plugin."""
    return isinstance(reported, Reported) and all(
        isinstance(each, str) for each in (reported.id, reported.display_name, reported.metadata)
    )


def _size(reported: Reported) -> int:
    texts = (reported.id, reported.display_name, reported.metadata)
    return sum(len(each.encode(errors="replace")) for each in texts)
