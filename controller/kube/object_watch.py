"""Follows the config object for ever: asks for it, lets kopf follow it for as long as that works, begins anew.

Whatever is learnt goes to `note`, the newest last. Every wait has an end and chance in it: an API server that is back
is noticed within five seconds, and not by all pods at once.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from typing import Any

from controller.kube.access import Access
from controller.kube.contact import Contact
from controller.kube.notes import Failed, Followed, Gone, Note, NotServed, Seen
from controller.kube.object_look import NoAnswerError, NotServedError, ObjectLook
from controller.kube.operator import Operator
from controller.kube.patience import Patience

log = logging.getLogger(__name__)

BEGIN = 15.0  # seconds; kopf waits for ever, and silently, for a kind that was not served when it looked
PROOF = (300.0, 600.0)  # between two proofs that the watch is not deaf
GRACE = 5.0  # for the watch to tell what a proof has found
CALM = 60.0  # a watch that held so long was a good one


class ObjectWatch:
    """`run` is its task; what it learns of the way to the API server, `contact` is told."""

    def __init__(
        self, access: Access, namespace: str, name: str, contact: Contact, note: Callable[[Note], None]
    ) -> None:
        self._access, self._namespace, self._name = access, namespace, name
        self._look = ObjectLook(access, namespace, name)
        self._contact = contact
        self._note = note
        self._seen: Mapping[str, Any] | None = None
        self._past: set[str] = set()  # the uids of those that were there before

    async def run(self) -> None:
        """Follow until cancelled."""
        patience, loop = Patience(), asyncio.get_running_loop()
        while True:
            least = 0.0
            try:
                await self._ask()
                began = loop.time()
                await self._follow()
                if loop.time() - began > CALM:
                    patience.reset()
            except NoAnswerError as error:
                self._hear(Failed(str(error)))
                least = error.retry_after
            except NotServedError:
                self._hear(NotServed())
            await asyncio.sleep(max(patience.wait(), least))

    async def _ask(self) -> None:
        """Say what the object is now; raises as `ObjectLook.ask` does."""
        found = await self._look.ask()
        self._past.clear()  # the store may have been put back, and this answer is the newest there is
        self._hear(Gone() if found is None else Seen(found))

    async def _follow(self) -> None:
        """Let kopf follow, until it ends, or is of no use."""
        self._contact.begin()
        async with asyncio.TaskGroup() as group:
            operator = Operator(self._access, self._namespace, self._name, self._hear)
            running = group.create_task(operator.run(), name="kopf")
            await self._until_useless(running)
            running.cancel()
        if not running.cancelled():
            self._say_ended(type(running.result()).__name__)

    def _say_ended(self, kind: str) -> None:
        """The kind of error is all: an error of aiohttp may have the request in it, with the token."""
        log.warning("kopf has ended", extra={"error": kind})
        if not self._contact.why:
            self._contact.failed(f"the watch has ended ({kind})")

    async def _until_useless(self, running: asyncio.Task[Any]) -> None:
        contact = self._contact
        await _either(running, contact.there, BEGIN)
        if not contact.there.is_set():
            if not (running.done() or contact.why):
                contact.failed("the watch does not begin")
            return
        while True:
            await _either(running, contact.lost, random.uniform(*PROOF))  # noqa: S311 - spreads pods, hides nothing
            if running.done() or contact.lost.is_set():
                return
            if await self._is_deaf():
                log.warning("the watch is deaf")
                return

    async def _is_deaf(self) -> bool:
        """Whether there is something that the watch should have told and has not."""
        before = self._seen
        try:
            found = await self._look.ask(cached=True)
        except (NoAnswerError, NotServedError):
            return False  # the watch will notice
        if not _is_news(found, before):
            return False
        await asyncio.sleep(GRACE)
        return self._seen is before

    def _hear(self, note: Note) -> None:
        match note:
            case Seen(body) if _uid(body) in self._past:
                return
            case Gone(uid) if uid and uid != _uid(self._seen):
                return
            case Seen(body):
                self._replace(body)
            case Gone():
                self._replace(None)
            case NotServed():
                self._replace(None)
                self._contact.answered()
            case Followed():
                self._contact.answered()
            case Failed(why):
                self._contact.failed(why)
        self._note(note)

    def _replace(self, body: Mapping[str, Any] | None) -> None:
        """Take over what is there now. An object that is not any more never comes back, only late news of it."""
        if (before := _uid(self._seen)) and before != _uid(body):
            self._past.add(before)
        self._seen = body


def _uid(body: Mapping[str, Any] | None) -> str:
    return str(body["metadata"]["uid"]) if body else ""


def _is_news(found: Mapping[str, Any] | None, seen: Mapping[str, Any] | None) -> bool:
    """Whether `found` is another object than `seen`, or a later state of it; a cache may lag behind.

    The same state may look different: a watch older than a change of the definition leaves out the fields that are new.
    """
    if found is None or seen is None:
        return found is not seen
    if _uid(found) != _uid(seen):
        return True
    one, other = found["metadata"], seen["metadata"]
    return bool(one["generation"] >= other["generation"] and found.get("spec") != seen.get("spec"))


async def _either(running: asyncio.Task[Any], event: asyncio.Event, seconds: float) -> None:
    """Return when the task is done, the event set, or the time over."""
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(event.wait(), name="event of the watch")
        await asyncio.wait({running, waiting}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
