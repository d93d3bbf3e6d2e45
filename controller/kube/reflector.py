"""A copy of one collection of the cluster, kept by list and watch; what is kept of each object the caller says.

It never ends by itself: whatever the API server does, it is asked again, later and later, with jitter, until it
answers. A watch is asked for a short time only, at the end of which the server has to say something; so one that has
gone deaf is found out soon, whether the connection is dead or only silent.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from controller.kube.patience import Patience
from controller.kube.rest import GONE, JSON, METADATA_LIST, METADATA_ONLY, STRANGER, ApiError, Rest, is_object

log = logging.getLogger(__name__)

WATCH_SECONDS: Final = (8, 10)  # between which the length of a watch is drawn
SILENCE: Final = 3.0  # seconds that the end of a watch may be late
LIST_SECONDS: Final = 30.0  # for one page
SHORTEST: Final = 1.0  # seconds; a watch that ends sooner is none, and is not asked for again at once
Json = Mapping[str, Any]
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Collection:
    """What is listed and watched. `page` is the number of objects in one answer."""

    name: str
    path: str
    page: int = 500
    selector: str = ""
    is_metadata_only: bool = False

    def accept(self, metadata: str) -> str:
        """The Accept header, where `metadata` is the one for metadata alone."""
        return metadata if self.is_metadata_only else JSON


class Reflector(Generic[Kept]):
    """`items` by name; `changed(old, new)` is called after each difference, on the loop."""

    def __init__(
        self,
        rest: Rest,
        collection: Collection,
        keep: Callable[[Json], Kept],
        changed: Callable[[Kept | None, Kept | None], None] = lambda _old, _new: None,
    ) -> None:
        self._rest = rest
        self._collection = collection
        self._keep = keep
        self._changed = changed
        self._patience = Patience()
        self._version = ""  # to watch from; empty: list first
        self._is_failing = False
        self._unread: set[str] = set()  # names of objects that this was said of
        self.items: dict[str, Kept] = {}
        self.is_synced = False
        self.tried_at = self.heard_at = time.monotonic()  # the last attempt that ended, the last that went well

    async def run(self) -> None:
        """Follow the collection until cancelled."""
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._watch()
            except ApiError as error:
                self._note(error)
                await asyncio.sleep(max(self._patience.wait(), min(error.retry_after or 0.0, 10.0)))
            self.tried_at = time.monotonic()

    async def _list(self) -> None:
        found: dict[str, Kept] = {}
        query = {"limit": str(self._collection.page), **self._selection()}
        more = ""
        while True:
            page = await self._rest.get(
                self._collection.path,
                {**query, **({"continue": more} if more else {})},
                self._collection.accept(METADATA_LIST),
                LIST_SECONDS,
            )
            items = page.get("items", ()) or ()
            if "items" not in page or not all(map(is_object, items)):
                raise self._strange()
            for item in items:
                if (kept := self._read(item)) is not None:
                    found[item["metadata"]["name"]] = kept
            more = page["metadata"].get("continue", "")
            self._heard()
            if not more:
                break
        self._replace(found)
        self._version = page["metadata"]["resourceVersion"]
        if not self.is_synced:
            self.is_synced = True
            log.info("listed", extra={"collection": self._collection.name, "items": len(found)})

    async def _watch(self) -> None:
        seconds = random.randint(*WATCH_SECONDS)  # noqa: S311 - jitter
        query = {"resourceVersion": self._version, "timeoutSeconds": str(seconds), **self._selection()}
        events = self._rest.watch(
            self._collection.path, query, self._collection.accept(METADATA_ONLY), seconds + SILENCE
        )
        began = time.monotonic()
        async with aclosing(events):
            async for event in events:
                self._take(event)
                self._heard()
        if time.monotonic() - began < SHORTEST:
            raise ApiError(0, f"{self._collection.path}: watch ended at once")
        self._heard()
        self._patience.reset()
        if self._is_failing:
            self._is_failing = False
            log.info("collection answers again", extra={"collection": self._collection.name})

    def _take(self, event: Json) -> None:
        match event:
            case {"type": "ERROR", "object": {**status}}:
                self._version = ""
                code = status.get("code")
                text = f"{self._collection.path}: watch ended: {status.get('message')}"
                raise ApiError(code if isinstance(code, int) else 0, text)
            case {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}}:
                self._version = version
            case {"type": "ADDED" | "MODIFIED" | "DELETED" as kind, "object": item} if is_object(item):
                metadata = item["metadata"]
                self._put(metadata["name"], None if kind == "DELETED" else self._read(item))
                self._version = metadata["resourceVersion"]
            case _:
                raise self._strange()

    def _read(self, item: Json) -> Kept | None:
        """What is kept of an object; None if it cannot be read: it may be older than what the CRD demands now."""
        name = item["metadata"]["name"]
        try:
            kept = self._keep(item)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            if name not in self._unread:
                self._unread.add(name)
                words = {"collection": self._collection.name, "object": name, "error": repr(error)}
                log.warning("object cannot be read: it is passed over", extra=words)
            return None
        self._unread.discard(name)
        return kept

    def _replace(self, found: dict[str, Kept]) -> None:
        for name in self.items.keys() - found.keys():
            self._put(name, None)
        for name, new in found.items():
            self._put(name, new)

    def _put(self, name: str, new: Kept | None) -> None:
        old = self.items.get(name)
        if new is None:
            self.items.pop(name, None)
        else:
            self.items[name] = new
        if old != new:
            self._changed(old, new)

    def _heard(self) -> None:
        self.heard_at = self.tried_at = time.monotonic()

    def _note(self, error: ApiError) -> None:
        """Say it once. What the server refuses is listed anew: it may have lost what was asked to go on from."""
        if error.code:
            self._version = ""
        if not self._is_failing and error.code != GONE:
            self._is_failing = True
            log.warning("collection does not answer", extra={"collection": self._collection.name, "error": str(error)})

    def _strange(self) -> ApiError:
        return ApiError(0, f"{self._collection.path}: {STRANGER}")

    def _selection(self) -> dict[str, str]:
        return {"fieldSelector": self._collection.selector} if self._collection.selector else {}
