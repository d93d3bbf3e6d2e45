"""What no schema can say: names given twice, kinds that share a directory, variables that hide the cookie.

Runs on documents that the schema may have refused, so that all errors show at once: whatever has the wrong shape is
passed over here.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from controller.config.findings import Path
from controller.config.schema import GROUP_VERSION, KIND
from controller.config.words import Complaint, shown

STANDARD = "standard"  # the adapter of kinds that name none


def check(data: dict[str, Any]) -> Iterator[Complaint]:
    """Everything wrong with the document beyond its schema."""
    yield from _head(data)
    spec = _mapping(data.get("spec"))
    kinds = list(_items(("spec", "kinds"), spec.get("kinds")))
    yield from _twice(kinds, "kind")
    yield from _directories(kinds)
    yield from _environment(("spec", "defaults"), spec.get("defaults"), {_cookie(kind) for _, kind in kinds})
    for path, kind in kinds:
        yield from _kind(path, kind)


def directory_of(kind: dict[str, Any]) -> str:
    """A kind's directory relative to the volume; the schema leaves it one spelling, so that it can be compared."""
    return str(kind.get("directory") or kind["name"])


def _head(data: dict[str, Any]) -> Iterator[Complaint]:
    for field, wanted in (("apiVersion", GROUP_VERSION), ("kind", KIND)):
        if data.get(field) is None:
            yield Complaint((field,), f"is missing; it must be {wanted}")
        elif data[field] != wanted:
            yield Complaint((field,), f"must be {wanted}; it is {shown(data[field])}")
    if _mapping(data.get("metadata")).get("name") is None:
        yield Complaint(("metadata", "name"), "is missing")


def _kind(path: Path, kind: dict[str, Any]) -> Iterator[Complaint]:
    if kind.get("handshake") is None and kind.get("adapter", STANDARD) == STANDARD:
        yield Complaint((*path, "handshake"), f"is missing, and the adapter {STANDARD} brings none")
    cookie = {_cookie(kind)}
    yield from _environment((*path, "defaults"), kind.get("defaults"), cookie)
    plugins = list(_items((*path, "plugins"), kind.get("plugins")))
    yield from _twice(plugins, "plugin")
    for where, plugin in plugins:
        yield from _environment(where, plugin, cookie)


def _directories(kinds: list[tuple[Path, dict[str, Any]]]) -> Iterator[Complaint]:
    seen: dict[str, str] = {}
    for path, kind in kinds:
        if not isinstance(kind.get("directory") or kind.get("name"), str):
            continue
        name = str(kind.get("name"))
        first = seen.setdefault(directory_of(kind), name)
        if first != name:
            yield Complaint((*path, "directory"), f"the kind {first} has the same directory")


def _environment(path: Path, fields: Any, cookies: set[Any]) -> Iterator[Complaint]:
    if not isinstance(fields, dict) or not fields.get("env"):
        return
    variables = list(_items((*path, "env"), fields["env"]))
    yield from _twice(variables, "variable")
    for where, variable in variables:
        if isinstance(variable.get("name"), str) and variable["name"] in cookies:
            yield Complaint((*where, "name"), f"{shown(variable['name'])} is the handshake's cookie")


def _twice(items: Iterable[tuple[Path, dict[str, Any]]], noun: str) -> Iterator[Complaint]:
    seen: set[Any] = set()
    for path, item in items:
        name = item.get("name")
        if isinstance(name, str) and name in seen:
            yield Complaint((*path, "name"), f"the {noun} {shown(name)} is there already")
        seen.add(name if isinstance(name, str) else None)


def _cookie(kind: dict[str, Any]) -> Any:
    key = _mapping(kind.get("handshake")).get("cookieKey")
    return key if isinstance(key, str) else None


def _items(path: Path, value: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield (*path, index), item


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
