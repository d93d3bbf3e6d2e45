"""The config as an object of the cluster, handed on as a document, a rejection or a loss.

Whatever happens to the object or on the way to it, what is in force stays in force until there is a better one.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from controller.config import CurrentConfig, Document, DocumentError
from controller.config.document import from_object
from controller.core.events import PodNoted
from controller.kube.access import Access
from controller.kube.contact import Contact
from controller.kube.names import CONFIG_KIND, CONFIGS, GROUP
from controller.kube.notes import Failed, Followed, Gone, Note, NotServed, Seen
from controller.kube.object_watch import ObjectWatch

SILENCE = 3.0  # seconds at the start until the kept config is gone on with
_KEPT = ("name", "namespace", "uid", "generation")  # of the metadata

Outcome = Document | DocumentError


class ConfigObject:
    """One PluginConfig of the cluster as the source of a CurrentConfig; the counterpart of local.ConfigFile.

    `submit` gets ConfigStale; `recovered` is called when the API server is back after a loss.
    """

    def __init__(
        self,
        access: Access,
        namespace: str,
        name: str,
        current: CurrentConfig,
        submit: Callable[[PodNoted], None],
        recovered: Callable[[], None] = lambda: None,
    ) -> None:
        """Nothing is asked before `run`."""
        self._access, self._namespace, self._name = access, namespace, name
        self._current = current
        self._submit, self._recovered = submit, recovered
        self._news = asyncio.Event()
        self._body: Mapping[str, Any] | None = None
        self._judged: Mapping[str, Any] | None = None
        self._is_answered = False  # whether anybody has said yet what the config is
        self.looked_at = time.monotonic()
        self.pods = 0  # that follow the config, by its own status; for whoever spreads writes

    def start(self) -> None:
        """Nothing to fail at: what cannot be read at the start may be there in a moment."""
        self._current.forget_other(self._name)

    async def run(self) -> None:
        """Follow the object until cancelled."""
        self._submit(PodNoted("ConfigStale", None))
        contact = Contact(self._submit, self._recovered)
        watch = ObjectWatch(self._access, self._namespace, self._name, contact, self._hear)
        timer = asyncio.get_running_loop().call_later(SILENCE, self._go_on_without, contact)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(watch.run(), name="config object watched")
                group.create_task(self._take_over(), name="config object taken over")
        finally:
            timer.cancel()
            contact.close()

    def _hear(self, note: Note) -> None:
        match note:
            case Seen(body):
                self._body, self._is_answered = body, True
                self._news.set()
                self.pods = _pods(body)
            case Gone():
                self._lose(f"{CONFIGS} {self._name} is not there in namespace {self._namespace}")
            case NotServed():
                self._lose(f"the API server knows no {CONFIG_KIND} of {GROUP}: its definition is not installed")
            case Followed() | Failed():
                pass
        if not isinstance(note, Failed):
            self.looked_at = time.monotonic()

    def _lose(self, message: str) -> None:
        self._body, self._judged, self._is_answered = None, None, True
        self._current.missing(message)

    def _go_on_without(self, contact: Contact) -> None:
        """Nobody has said in time what the config is: begin with the kept one, and say so."""
        if not self._is_answered and self._current.last_good() is not None:
            self._current.fall_back()
            contact.failed(contact.why or "the API server has not answered since the start")
            contact.say()

    async def _take_over(self) -> None:
        """Hand on what was seen last. Judging a large document takes its time, and keeping it waits for the disk."""
        while True:
            await self._news.wait()
            self._news.clear()
            body = self._body
            if body is None or (shape := _shape(body)) == self._judged:
                continue  # deleted meanwhile; or its status has changed, as it does when any pod's has
            outcome = await asyncio.to_thread(self._judge, shape)
            if self._body is None or _shape(self._body) != shape:
                continue  # there is news already, and not only of its status
            self._judged = shape
            self._hand_on(outcome)
            await asyncio.to_thread(self._current.save)

    def _judge(self, shape: Mapping[str, Any]) -> Outcome:
        try:
            return from_object(shape, source=f"{CONFIGS}/{self._name}")
        except DocumentError as error:
            return error

    def _hand_on(self, outcome: Outcome) -> None:
        match outcome:
            case Document():
                self._current.offer(outcome)
            case DocumentError():
                self._current.reject(outcome.summary())


def _shape(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a config is made of: without the status and what the API server writes beside it."""
    metadata = {field: body["metadata"][field] for field in _KEPT if field in body["metadata"]}
    return {**{field: value for field, value in body.items() if field != "status"}, "metadata": metadata}


def _pods(body: Mapping[str, Any]) -> int:
    """How many pods follow the config, as the aggregator has counted them."""
    total = ((body.get("status") or {}).get("pods") or {}).get("total")
    return total if isinstance(total, int) else 0
