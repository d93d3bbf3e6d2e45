"""What a plugin prints, as records: hclog's JSON, `[LEVEL]` prefixes, Go's panics, plain text. No I/O.

The rules are those of Go's host, without its panics: there a `@message` that is no string ends the process.
"""

import json
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from types import MappingProxyType
from typing import Any

from controller.goplugin.output import LineSplitter, RateLimit

LEVELS = ("trace", "debug", "info", "warn", "error")
TAIL_LINES = 20

_TAIL_CHARACTERS = 500
_NOTE_INTERVAL = 1.0  # seconds between two notes about dropped lines
_PREFIX = re.compile(r"^(?:\d{4}[/-]\d\d[/-]\d\d[T ][0-9:.+Z-]+\s+)?\[(TRACE|DEBUG|INFO|WARN|ERROR)\]\s?")
_PANICS = ("panic: ", "fatal error: ")
_SURROGATES = re.compile("[\ud800-\udfff]")  # JSON may name halves of characters, which no encoding takes
_FIELDS = 64  # of one record; a line can hold thousands, at ten times its size
_FIELD_CHARACTERS = 8192
_NO_FIELDS: Mapping[str, object] = MappingProxyType({})


def _no_fields() -> Mapping[str, object]:
    return _NO_FIELDS


class Stream(StrEnum):
    """Where a record comes from."""

    STDOUT = "stdout"
    STDERR = "stderr"
    SYNCED_STDOUT = "stdio.stdout"  # through the plugin's stdio service
    SYNCED_STDERR = "stdio.stderr"
    HOST = "host"  # a remark of this library about the plugin


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a plugin."""

    level: str
    message: str
    stream: Stream
    fields: Mapping[str, object] = field(default_factory=_no_fields)
    time: float = 0.0  # wall clock; the plugin's own where it gave one
    size: int = field(default=0, compare=False)  # bytes of the line that it was read from


Emit = Callable[[Record], None]


class LogParser:
    """Turns lines of one stream into records; remembers only whether a panic has begun."""

    def __init__(self, stream: Stream) -> None:
        """Take the stream that the records shall name."""
        self._stream = stream
        self._has_panicked = False

    def parse(self, line: bytes, now: float) -> Record:
        """Read one line without its end; bytes that are no UTF-8 are replaced."""
        text = line.decode(errors="replace").removesuffix("\r")
        if text.startswith("{"):
            record = self._parse_json(text, now)
            if record is not None:
                return replace(record, size=len(line))
        return replace(self._parse_text(text, now), size=len(line))

    def _parse_json(self, text: str, now: float) -> Record | None:
        try:
            entry = json.loads(text)
            return self._read_entry(entry, now)
        except (ValueError, RecursionError):
            return None

    def _read_entry(self, entry: dict[str, Any], now: float) -> Record | None:
        level = entry.pop("@level", None)
        if not isinstance(level, str) or level.lower() not in LEVELS:
            return None  # some other program's JSON: its text is the message
        stamp = entry.pop("@timestamp", None)
        at = now if stamp is None else _timestamp(stamp)
        if at is None:
            return None
        return Record(level.lower(), _text(entry.pop("@message", "")), self._stream, _fields(entry), at)

    def _parse_text(self, text: str, now: float) -> Record:
        tagged = _PREFIX.match(text)
        if tagged is not None:
            return Record(tagged[1].lower(), text[tagged.end() :], self._stream, time=now)
        self._has_panicked = self._has_panicked or text.startswith(_PANICS)
        return Record("error" if self._has_panicked else "debug", text, self._stream, time=now)


class Sink:
    """All that one plugin prints goes through here: one rate limit, one tail, one `emit`."""

    def __init__(self, emit: Emit, rate: int) -> None:
        """Take where records go and how many lines a second may."""
        self._emit = emit
        self._limit = RateLimit(rate, time.monotonic())
        self._tail: deque[bytes] = deque(maxlen=TAIL_LINES)
        self._noted_at = -_NOTE_INTERVAL

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines of stderr, dropped ones too: they tell why a plugin died."""
        return tuple(_clip(line.decode(errors="replace").removesuffix("\r")) for line in self._tail)

    def accept(self, lines: list[bytes], parser: LogParser, *, is_stderr: bool) -> bool:
        """Emit what the rate allows; tell whether something was dropped."""
        if is_stderr:
            self._tail.extend(line for line in lines[-2 * TAIL_LINES :] if line.strip())
        ticks, now = time.monotonic(), time.time()
        granted = self._limit.grant(len(lines), ticks)
        if granted and ticks - self._noted_at >= _NOTE_INTERVAL:
            self.note_dropped()
            self._noted_at = ticks
        for line in lines[:granted]:
            self._emit(parser.parse(line, now))
        return granted < len(lines)

    def remark(self, level: str, message: str) -> None:
        """Say something about the plugin among its own lines."""
        self._emit(Record(level, message, Stream.HOST, time=time.time()))

    def note_dropped(self) -> None:
        """Say how many lines were dropped since the last note, if any."""
        dropped = self._limit.take_dropped()
        if dropped:
            self._emit(Record("warn", f"dropped {dropped} lines: over the rate limit", Stream.HOST, time=time.time()))


class LineFlow:
    """One stream of a plugin: chunks in, records out."""

    def __init__(self, sink: Sink, stream: Stream) -> None:
        """Take the sink and the stream's name."""
        self._sink = sink
        self._splitter = LineSplitter()
        self._parser = LogParser(stream)
        self._is_stderr = stream is Stream.STDERR

    def feed(self, chunk: bytes) -> bool:
        """Take a chunk; tell whether the plugin prints faster than it may."""
        return self._sink.accept(self._splitter.feed(chunk), self._parser, is_stderr=self._is_stderr)

    def end(self) -> None:
        """Take that nothing more will come: the last line needs no end then."""
        self._sink.accept(self._splitter.flush(), self._parser, is_stderr=self._is_stderr)


def _timestamp(stamp: Any) -> float | None:
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _fields(entry: dict[str, Any]) -> Mapping[str, object]:
    # As text: the objects of a line of 64 KiB can take megabytes.
    kept = {
        _clip(_text(key), _FIELD_CHARACTERS): _clip(_text(value), _FIELD_CHARACTERS)
        for key, value in islice(entry.items(), _FIELDS)
    }
    if len(entry) > _FIELDS:
        kept["..."] = f"{len(entry) - _FIELDS} more fields"
    return MappingProxyType(kept)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _SURROGATES.sub("\ufffd", text)


def _clip(text: str, limit: int = _TAIL_CHARACTERS) -> str:
    return text if len(text) <= limit else text[:limit] + "..."
