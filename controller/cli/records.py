"""Log and history records: one line each, as JSON or for people."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from controller.cli.terminal import printable, quoted
from controller.cli.times import clock

Record = Mapping[str, Any]


def write(records: Iterable[Record], output: str, line: Callable[[Record], str]) -> None:
    """To stdout, each as soon as it is there."""
    for record in records:
        print(json.dumps(record, ensure_ascii=False) if output == "json" else line(record), flush=True)


def log_line(record: Record) -> str:
    """`2026-11-24 12:00:00.000+01:00 INFO  w3 listening port=80`."""
    fields = record.get("fields") or {}
    words = [
        clock(record["time"]),
        f"{record.get('level', '').upper():5}",
        str(record.get("worker") or ""),
        str(record.get("message", "")),
        *(f"{key}={quoted(value)}" for key, value in fields.items()),
    ]
    return printable(" ".join(word for word in words if word))


def history_line(record: Record) -> str:
    """`2026-11-24 12:00:00.000+01:00  rule/x  BackingOff  Exited: exit code 1`."""
    why = ": ".join(str(record[key]) for key in ("reason", "message") if record.get(key))
    words = [clock(record["time"]), str(record.get("plugin") or ""), str(record.get("what") or ""), why]
    return printable("  ".join(word for word in words if word))
