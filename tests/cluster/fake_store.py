"""The objects of the fake API server: just enough truth that a client gets along with it until a fault is played."""

import asyncio
import copy
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is; a collection's name is empty."""

    group: str
    version: str
    namespace: str
    resource: str
    name: str = ""
    subresource: str = ""

    @property
    def whole(self) -> "Place":
        """The object itself, for one of its subresources."""
        return replace(self, subresource="")

    def holds(self, other: "Place", wanted: str) -> bool:
        """Whether this collection, of the object of that name if any, has the other in it."""
        mine = (self.group, self.resource, self.namespace or other.namespace)
        return mine == (other.group, other.resource, other.namespace) and wanted in ("", other.name)


class Store:
    """Lives in the fake's loop; `revision` counts the changes of all objects."""

    def __init__(self) -> None:
        self.revision = 1
        self.objects: dict[Place, Object] = {}
        self.history: list[tuple[int, Place, Object]] = []
        self.changed = asyncio.Event()

    def items(self, place: Place, name: str) -> Object:
        """A whole collection."""
        items = [found for each, found in self.objects.items() if place.holds(each, name)]
        return {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": str(self.revision)}, "items": items}

    def create(self, place: Place, body: Mapping[str, Any]) -> Object | None:
        """Make an object of the collection; None if there is one of that name."""
        named = replace(place, name=body["metadata"]["name"])
        return None if named in self.objects else self.put(named, body)

    def put(self, place: Place, body: Mapping[str, Any]) -> Object:
        """Make or replace the object, or the part of it that the subresource names."""
        self.revision += 1
        old = self.objects.get(place.whole)
        made = copy.deepcopy(old or {}) | (
            {place.subresource: body[place.subresource]} if place.subresource else dict(body)
        )
        metadata = dict(body.get("metadata", {})) | {"name": place.name, "namespace": place.namespace}
        if old is None:
            metadata |= {"uid": str(uuid.uuid4()), "generation": 1}
        else:
            changes = made.get("spec") != old.get("spec")
            metadata = old["metadata"] | metadata | {"generation": old["metadata"]["generation"] + changes}
        made["metadata"] = metadata | {"resourceVersion": str(self.revision)}
        self.objects[place.whole] = made
        self._tell(place.whole, "ADDED" if old is None else "MODIFIED", made)
        return made

    def remove(self, place: Place, *, silently: bool = False) -> Object | None:
        """Delete the object, and if `silently`, without any watch being told."""
        self.revision += 1
        found = self.objects.pop(place, None)
        if found is not None and not silently:
            self._tell(place, "DELETED", found)
        return found

    async def watch(self, place: Place, name: str, since: int) -> AsyncIterator[Object]:
        """What happens to the collection after the revision, without an end."""
        seen = 0
        while True:
            self.changed.clear()
            while seen < len(self.history):
                revision, each, event = self.history[seen]
                seen += 1
                if revision > since and place.holds(each, name):
                    yield event
            await self.changed.wait()

    def _tell(self, place: Place, kind: str, found: Object) -> None:
        event: Object = {"type": kind, "object": copy.deepcopy(found)}
        event["object"]["metadata"]["resourceVersion"] = str(self.revision)
        self.history.append((self.revision, place, event))
        self.changed.set()
