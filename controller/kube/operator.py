"""One run of kopf, in a thread and a loop of its own, told to do one thing: watch one object and tell us.

When kopf ends it cancels every task of its loop; in the main thread it takes our signal handlers; a stop flag of its
own delays every end by five seconds; ten minutes after an end it may kill the process; without an identity it asks the
DNS and the password file for one; it ends at what others retry, and forgets an event that it failed on. So: its own
thread, no flag but a cancelled task, `ultimate_exiting_timeout` off, everything named, every failure an end; and
whoever runs this begins anew when it has ended.
"""

import asyncio
import contextlib
import logging
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import kopf

from controller.kube.access import Access
from controller.kube.names import CONFIGS, GROUP, VERSION
from controller.kube.notes import Gone, Note, Seen
from controller.kube.patience import Patience
from controller.kube.rest import is_object
from controller.kube.session import session

LOGIN_LASTS = 60.0  # seconds; a login that was refused sooner is followed by a pause
ENDING = 3.0  # seconds for a cancelled run to end; then its thread is left behind
CONNECT, REQUEST = 5.0, 15.0  # seconds
RETRIED_WITHIN = 4.0  # seconds
INACTIVE = 70.0  # seconds without a word, though there is a bookmark every 60, until the watch is begun anew

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    import aiohttp

_IDENTITY: Any = "pluginmgr"  # a type of kopf's own, which it does not export


class Operator:
    """`note` is called in the loop that runs `run`, in the order in which things happened to one object.

    An object and its successor under the same name are two, and kopf may tell of the first after the second.
    """

    def __init__(self, access: Access, namespace: str, name: str, note: Callable[[Note], None]) -> None:
        observe = access.signing.observe
        signing = replace(access.signing, observe=lambda *what: _call(self._loop, observe, *what))
        self._access = replace(access, signing=signing)
        self._namespace = namespace
        self._name = name
        self._hear = note
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[BaseException | None] = self._loop.create_future()
        self._sessions: list[aiohttp.ClientSession] = []
        self._stop: Callable[[], None] = lambda: None
        self._is_over = False
        self._patience = Patience()
        self._logged_in_at = 0.0

    async def run(self) -> BaseException | None:
        """Return when kopf has ended, with the reason; cancelled, it ends kopf first."""
        logging.getLogger("kopf").setLevel(logging.CRITICAL)  # we say what changed; kopf has a line for each retry
        thread = threading.Thread(target=self._thread, name="kopf", daemon=True)
        thread.start()
        try:
            return await asyncio.shield(self._ended)
        finally:
            self._is_over = True  # before the call: the thread sets `_stop` and looks here afterwards
            self._stop()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ENDING):
                    await asyncio.shield(self._ended)
                    await asyncio.to_thread(thread.join, ENDING)

    def _thread(self) -> None:
        error: BaseException | None = None
        try:
            asyncio.run(self._operate())
        except asyncio.CancelledError:
            pass
        except Exception as caught:  # noqa: BLE001 - whatever ends kopf, it has ended
            error = caught
        _call(self._loop, self._end, error)

    async def _operate(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        if task is None:  # pragma: no cover - asyncio.run made it
            return
        loop.set_exception_handler(_overhear)
        self._stop = lambda: _call(loop, task.cancel)
        if self._is_over:
            return
        try:
            await kopf.operator(
                registry=self._registry(),
                settings=self._settings(),
                namespaces=[self._namespace],
                standalone=True,
                identity=_IDENTITY,
            )
        finally:
            for each in self._sessions:
                await each.close()

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry, errors=kopf.ErrorsMode.PERMANENT)(self._login)
        kopf.on.event(GROUP, VERSION, CONFIGS, registry=registry)(self._event)
        return registry

    def _settings(self) -> kopf.OperatorSettings:
        settings = kopf.OperatorSettings()
        settings.process.ultimate_exiting_timeout = None
        settings.posting.enabled = False
        settings.scanning.disabled = True
        settings.watching.field_selectors[GROUP, VERSION, CONFIGS] = f"metadata.name={self._name}"
        settings.watching.server_timeout = random.randint(240, 360)  # noqa: S311 - spreads pods, hides nothing
        settings.watching.inactivity_timeout = INACTIVE
        settings.networking.connect_timeout = CONNECT
        settings.networking.request_timeout = REQUEST
        settings.networking.error_backoffs = _Backoffs()
        settings.queueing.error_delays = _Unforgiving()
        return settings

    async def _login(self, **_: Any) -> kopf.AiohttpSession:
        """Make a session; kopf asks for another when the API server has refused the token, as often as it does."""
        now = asyncio.get_running_loop().time()
        if self._sessions and now - self._logged_in_at < LOGIN_LASTS:
            await asyncio.sleep(self._patience.wait())
        else:
            self._patience.reset()
        self._logged_in_at = asyncio.get_running_loop().time()
        new = session(self._access, self._note)
        self._sessions = [each for each in self._sessions if not each.closed] + [new]
        return kopf.AiohttpSession(aiohttp_session=new, server=self._access.server.url)

    async def _event(self, *, event: Any, **_: Any) -> None:
        body = event["object"]
        if is_object(body):
            self._note(Gone(body["metadata"]["uid"]) if event["type"] == "DELETED" else Seen(body))

    def _note(self, note: Note) -> None:
        _call(self._loop, self._deliver, note)

    def _deliver(self, note: Note) -> None:
        if not self._is_over:
            self._hear(note)

    def _end(self, error: BaseException | None) -> None:
        self._ended.set_result(error)


class _Backoffs:
    """Endless, or kopf gives up; an object that can be gone through again, since each request does."""

    def __iter__(self) -> Iterator[float]:
        patience = Patience(RETRIED_WITHIN)
        while True:
            yield patience.wait()


class _Unforgiving:
    """The error that kopf would wait for, and forget the event of, ends kopf instead; we begin by asking anew."""

    def __iter__(self) -> Iterator[float]:
        raise  # noqa: PLE0704 - kopf begins to iterate as it handles an error, such as an object too deep to be copied


def _overhear(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """When kopf ends, it leaves tasks behind that failed and that nobody looks at; why it ended is known anyway."""
    log.debug("left behind by kopf", extra={"context": str(context.get("message"))})


def _call(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *arguments: object) -> None:
    """Call it in another thread's loop, if that still turns."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *arguments)
