"""Parser events to plain data, with a line and column for every mistake that the text itself can have.

Built from events, not from PyYAML's nodes: that halves the time, and each mistake is met where it stands (a key twice,
an alias that multiplies, a second document). Positions of the values are only kept when asked for: a good document
needs none. Nothing in here knows what a PluginConfig is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from yaml.cyaml import CParser  # type: ignore[attr-defined] # the stubs re-export it unmarked
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from controller.config.findings import Path, Position
from controller.config.scalars import Scalar, ScalarError, plain, tagged

MAX_DEPTH = 64
MAX_ALIASED = 100_000  # values that aliases may add; a bomb multiplies, an honest file repeats a few defaults
_MERGE = "<<"
_LONGEST = 160  # characters of a message that quotes the text


class TextError(Exception):
    """A mistake after which the rest of the text means nothing."""

    def __init__(self, message: str, position: Position) -> None:
        """The message says it without the place."""
        super().__init__(message)
        self.position = position


@dataclass(slots=True)
class Tree:
    """The data of one document, the smaller mistakes in its text, and the positions if they were asked for."""

    start: Position
    data: Any = None
    mistakes: list[tuple[str, Path, Position]] = field(default_factory=list)
    values: dict[Path, Position] = field(default_factory=dict)
    keys: dict[Path, Position] = field(default_factory=dict)

    def position(self, path: Path) -> Position:
        """Where the field stands: its key or the list's item, else the nearest thing around it that is there."""
        for length in range(len(path), -1, -1):
            found = self.keys.get(path[:length]) or self.values.get(path[:length])
            if found:
                return found
        return self.start


class _Events(CParser):
    """The C parser, of which the events are used; its own composer would ask a resolver for every word."""

    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)


class Builder:
    """Builds the tree of one text, once."""

    def __init__(self, text: str, *, positions: bool, words: Callable[[str], Scalar] = plain) -> None:
        """`words` says what an unquoted word means. Raises what PyYAML raises for text that is not YAML."""
        self._next: Callable[[], Any] = _Events(text).get_event
        self._positions = positions
        self._words = words
        self._tree = Tree(Position(1, 1))
        self._anchors: dict[str, tuple[Any, int]] = {}  # with the number of values below
        self._built = 0
        self._aliased = 0
        self._path: list[str | int] = []

    def documents(self) -> Iterator[Tree]:
        """The documents, one by one; the caller says how many there may be."""
        while type(event := self._next()) is not StreamEndEvent:
            if type(event) is DocumentStartEvent:
                if event.version not in {None, (1, 1)}:
                    raise TextError("Kubernetes reads YAML 1.1: leave the line with %YAML out", _at(event))
                self._tree, self._anchors = Tree(_at(event)), {}
                self._tree.data = self._value(self._next())
                yield self._tree

    def _value(self, event: Any) -> Any:
        kind = type(event)
        self._built += 1
        if self._positions:
            self._tree.values[tuple(self._path)] = _at(event)
        if kind is ScalarEvent and not event.anchor:
            return self._scalar(event)
        if kind is AliasEvent:
            return self._alias(event)
        return self._collection(event, kind)

    def _collection(self, event: Any, kind: type) -> Any:
        if len(self._path) >= MAX_DEPTH:
            raise TextError(f"nested deeper than {MAX_DEPTH} levels", _at(event))
        before = self._built
        if kind is MappingStartEvent:
            data: Any = self._mapping()
        elif kind is SequenceStartEvent:
            data = self._sequence()
        else:
            data = self._scalar(event)
        if event.anchor:
            self._anchors[event.anchor] = (data, self._built - before + 1)
        return data

    def _sequence(self) -> list[Any]:
        items: list[Any] = []
        path = self._path
        while type(event := self._next()) is not SequenceEndEvent:
            path.append(len(items))
            items.append(self._value(event))
            path.pop()
        return items

    def _mapping(self) -> dict[str, Any]:
        data: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        path = self._path
        while type(event := self._next()) is not MappingEndEvent:
            key = self._key(event)
            path.append(key)
            if key in data:
                self._mistake("is given twice", event)
            elif self._positions:
                self._tree.keys[tuple(path)] = _at(event)
            value = self._value(self._next())
            if key == _MERGE and type(event) is ScalarEvent and event.implicit[0]:
                merged = self._merged(value, event) | merged
            else:
                data[key] = value
            path.pop()
        return merged | data

    def _merged(self, value: Any, event: Any) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for other in reversed(value if isinstance(value, list) else [value]):
            if not isinstance(other, dict):
                raise TextError("'<<' merges mappings only", _at(event))
            merged |= other
        return merged

    def _key(self, event: Any) -> str:
        if type(event) is AliasEvent:
            key = self._alias(event)
        elif type(event) is ScalarEvent:
            key = event.value if event.value == _MERGE else self._scalar(event)
            if event.anchor:
                self._anchors[event.anchor] = (key, 1)
        else:
            raise TextError("a key must be a single word", _at(event))
        if isinstance(key, str):
            return key
        text = str(event.value) if type(event) is ScalarEvent else str(key)
        self._path.append(text)
        self._mistake(f"a key must be text, and {text or 'nothing'} is not: quote it", event)
        self._path.pop()
        return text

    def _scalar(self, event: Any) -> Any:
        try:
            if event.implicit[0]:
                return self._words(event.value)
            return tagged(event.tag, event.value) if event.tag else event.value
        except ScalarError as error:
            self._mistake(str(error), event)
            return event.value

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise TextError(f"no anchor &{event.anchor} ends before this alias of it", _at(event))
        data, weight = self._anchors[event.anchor]
        self._built += weight
        self._aliased += weight
        if self._aliased > MAX_ALIASED:
            raise TextError("aliases multiply to more values than a config can need", _at(event))
        return data

    def _mistake(self, message: str, event: Any) -> None:
        self._tree.mistakes.append((message[:_LONGEST], tuple(self._path), _at(event)))


def _at(event: Any) -> Position:
    return Position(event.start_mark.line + 1, event.start_mark.column + 1)
