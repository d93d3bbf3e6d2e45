"""The controller's own log on stderr: one record, one line, whatever is in it.

`extra` fields become keys. `plugin` becomes `name`, or `kind` and `name` if it is "kind/name": one query finds what
the controller says of a plugin and what the plugin says itself. (An `extra` cannot say `name`: that is the logger's.)
"""

import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from controller.cli.terminal import printable, quoted

TRACE = 5  # go-plugin's lowest level; Python has none
LEVELS = {TRACE: "trace", logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warn", logging.ERROR: "error"}
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(form: str) -> None:
    """Send every record of the process to stderr as `json` or `text`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it tells of every event it sees
    logging.captureWarnings(True)


class JsonLines(logging.Formatter):
    """For machines."""

    def format(self, record: logging.LogRecord) -> str:
        """`{"time": ..., "level": ..., "logger": ..., "message": ..., ...}`."""
        # The head stands first and cannot be overwritten by a field of the same name.
        head = {"time": _time(record), "level": _level(record), "logger": record.name, "message": record.getMessage()}
        return json.dumps(head | dict(_fields(self, record)) | head, default=str)


class TextLines(logging.Formatter):
    """For people."""

    def format(self, record: logging.LogRecord) -> str:
        """`12:00:00.000 INFO  message key=value`."""
        time = datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")[11:23]
        fields = (f"{key}={quoted(value)}" for key, value in _fields(self, record))
        return printable(" ".join([time, f"{_level(record).upper():5}", record.getMessage(), *fields]))


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _level(record: logging.LogRecord) -> str:
    return LEVELS.get(record.levelno) or record.levelname.lower()


def _fields(formatter: logging.Formatter, record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    for key, value in vars(record).items():
        if key == "plugin" and isinstance(value, str):
            yield from zip(("kind", "name") if "/" in value else ("name",), value.split("/", 1), strict=True)
        elif key not in STANDARD:
            yield key, value
    if record.exc_info:
        yield "exception", formatter.formatException(record.exc_info)
    if record.stack_info:
        yield "stack", record.stack_info
