"""What lies as YAML beside the binaries, joined with the adapters that can read it: hints for the config.

Decides nothing about plugins: the config's own fields win over hints, and the core decides. What it keeps is the last
good YAML of each plugin, in memory: a controller that starts beside a bad one has none.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, TypeAlias

from controller.config import Hint, Place, canonical
from controller.core.events import VolumeScanned
from controller.core.model import Binary, Directory, Problem
from controller.core.reasons import Reason
from controller.errors import PluginmgrError
from controller.manager.adapter import AdapterError, Plugin, PluginAdapter

log = logging.getLogger(__name__)

SUFFIXES = (".yaml", ".yml")
NOTHING = Hint()
WRITING = Hint(refused="the YAML beside it is still being written")
ASKED = ("sidecar", "is_enabled", "workers")  # of an adapter, before a plugin runs

LARGEST = 64 * 1024  # bytes of metadata: they travel in each message to each host

_Source: TypeAlias = tuple[str, str | Problem, Binary]  # file, its text, and what it lies beside


@dataclass(slots=True)
class _Record:
    """`newest` is what the source means; `good` is the last one that could be used."""

    source: _Source
    newest: Hint | Problem
    good: Hint | None


@dataclass(slots=True)
class _Known:
    """What is known of one kind by one adapter; `hints` are what `directory` and the records gave."""

    records: dict[str, _Record] = field(default_factory=dict)
    directory: Directory | None = None
    hints: Mapping[str, Hint] = field(default_factory=dict)


class Sidecars:
    """Stands between the volume's watch and the core, so that no binary is known there before its YAML is.

    What it takes, with an app around or without:

        sidecars = Sidecars(adapter)
        current = CurrentConfig(submit, hints=sidecars.hints, ...)
        watch = VolumeWatch(scanner, sidecars.joined(submit, current.refresh))
    """

    def __init__(self, adapter: Callable[[str], PluginAdapter[Any]]) -> None:
        """`adapter` finds one by name; a PluginmgrError means that nothing is known of the kind in advance."""
        self._adapter = adapter
        self._directories: Mapping[str, Directory] = {}
        self._known: dict[tuple[str, str], _Known] = {}  # by kind and adapter
        self._asked: set[tuple[str, str]] = set()  # since the last scan

    def joined(
        self, submit: Callable[[VolumeScanned], None], refresh: Callable[[], None]
    ) -> Callable[[VolumeScanned], None]:
        """What the volume's watch is to call: it hands a scan on once the config has heard what the documents say.

        `refresh` asks for `hints` again and, if the config means something new with them, hands in a ConfigRead before
        it returns.
        """

        def scanned(event: VolumeScanned) -> None:
            self._directories = event.directories
            self._asked.clear()
            refresh()
            submit(event)
            if self._forget():
                refresh()

        return scanned

    def hints(self, places: Iterable[Place]) -> dict[tuple[str, str], Hint]:
        """What is known of the plugins of these kinds; costs little where nothing is new.

        A plugin whose binary is gone keeps its hint until the core has been told of that, and those of a kind that gets
        another directory until that was scanned.
        """
        return {(place.kind, name): hint for place in places for name, hint in self._of(place).items()}

    def _of(self, place: Place) -> Mapping[str, Hint]:
        adapter = self._talker(place.adapter)
        if adapter is None:
            return {}
        self._asked.add((place.kind, place.adapter))
        known = self._known.setdefault((place.kind, place.adapter), _Known())
        directory = self._directories.get(place.directory)
        if directory is not None and directory is not known.directory:
            known.directory = directory
            hints = {
                binary.name: _hint(
                    known.records, place.kind, binary, document_of(binary.name, directory.documents), adapter
                )
                for binary in directory.binaries.values()
            }
            going = {name: record for name, record in known.records.items() if name not in hints}
            hints |= {name: _in_force(record) for name, record in going.items()}
            known.hints = {name: hint for name, hint in hints.items() if hint != NOTHING}
        return known.hints

    def _talker(self, name: str) -> PluginAdapter[Any] | None:
        """The adapter, if it has anything to say before a plugin runs."""
        try:
            adapter = self._adapter(name)
        except PluginmgrError:  # each worker that needs it fails with the reason
            return None
        given = [getattr(type(adapter), method) is not getattr(PluginAdapter, method) for method in ASKED]
        return adapter if any(given) else None

    def _forget(self) -> bool:
        """Let go of kinds that nobody asks for and of what is no longer on the volume; whether that says anything."""
        self._known = {key: known for key, known in self._known.items() if key in self._asked}
        is_news = False
        for known in self._known.values():
            binaries = known.directory.binaries if known.directory else {}
            for name in known.records.keys() - binaries.keys():
                del known.records[name]
            if not known.hints.keys() <= binaries.keys():
                known.hints = {name: hint for name, hint in known.hints.items() if name in binaries}
                is_news = True
        return is_news


def document_of(name: str, documents: Mapping[str, str | Problem | None]) -> tuple[str, str | Problem | None]:
    """The YAML that belongs to a binary, with its file name: `NAME.yaml`, else that of the name without its suffix."""
    for stem in dict.fromkeys((name, PurePath(name).stem)):
        found = [stem + suffix for suffix in SUFFIXES if stem + suffix in documents]
        if len(found) > 1:
            return found[0], Problem(Reason.YAML_REJECTED, f"both {' and '.join(found)} lie beside it: keep one")
        if found:
            return found[0], documents[found[0]]
    return "", ""


def _hint(
    records: dict[str, _Record],
    kind: str,
    binary: Binary,
    document: tuple[str, str | Problem | None],
    adapter: PluginAdapter[Any],
) -> Hint:
    file, text = document
    record = records.get(binary.name)
    if text is None:
        return WRITING if record is None else _in_force(record)
    source = (file, text, binary)
    if record is None or record.source != source:
        newest = _newest(kind, source, adapter)
        former = None if record is None else record.good
        good = newest if isinstance(newest, Hint) else former
        record = records[binary.name] = _Record(source, newest, good)
    return _in_force(record)


def _in_force(record: _Record) -> Hint:
    if isinstance(record.newest, Hint):
        return record.newest
    return Hint(refused=record.newest.message) if record.good is None else replace(record.good, problem=record.newest)


def _newest(kind: str, source: _Source, adapter: PluginAdapter[Any]) -> Hint | Problem:
    file, text, binary = source
    made: Hint | Problem
    try:
        made = text if isinstance(text, Problem) else _made(kind, source, text, adapter)
    except PluginmgrError as error:
        made = Problem(Reason.YAML_REJECTED, f"{file or binary.name}: {error}")
    except Exception as error:  # noqa: BLE001 - foreign code: whatever it raises is about this one plugin
        made = Problem(
            Reason.YAML_REJECTED, f"{file or binary.name}: the adapter fails: {type(error).__name__}: {error}"
        )
    if isinstance(made, Problem):
        log.warning("plugin YAML not usable", extra={"plugin": f"{kind}/{binary.name}", "problem": made.message})
    return made


def _made(kind: str, source: _Source, text: str, adapter: PluginAdapter[Any]) -> Hint:
    file, _, binary = source
    metadata = adapter.sidecar(text) if file else None
    for warning in getattr(metadata, "warnings", ()):
        log.warning("plugin YAML", extra={"plugin": f"{kind}/{binary.name}", "file": file, "problem": warning})
    plugin = Plugin(kind, binary.name, binary.path, binary.digest, metadata or {})
    enabled, workers = adapter.is_enabled(plugin), adapter.workers(plugin)
    fields: dict[str, Any] = {} if enabled is None else {"enabled": bool(enabled)}
    if workers is not None:
        fields["workers"] = max(1, int(workers))
    return Hint(fields, "" if metadata is None else _shaping(metadata, adapter))


def _shaping(metadata: Mapping[str, Any], adapter: PluginAdapter[Any]) -> str:
    """What of the metadata makes another version, as JSON."""
    text = canonical({name: value for name, value in metadata.items() if name not in adapter.in_place})
    if len(text) > LARGEST:
        raise AdapterError(f"{len(text)} bytes of metadata, and at most {LARGEST} are taken: hosts get them all")
    return text
