"""Where events come from: a file that is played again and again, or what comes on standard input.

An event is a JSON object on a line of its own. A line that is none is told of, and skipped.
"""

import asyncio
import json
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

STDIN = 0
MOST_IN_A_BATCH = 64
MOST_WAITING = 1024

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Event:
    """One event: as it is sent to plugins, and to look into it."""

    text: str
    fields: dict[str, Any]

    def get(self, path: str) -> Any:
        """What is at a dotted path; None where nothing is."""
        at: Any = self.fields
        for name in path.split("."):
            at = at.get(name) if isinstance(at, dict) else None
        return at


def parse(line: str, say: Say) -> Event | None:
    """Read one line."""
    try:
        fields = json.loads(line)
    except ValueError as error:
        say(f"no event: {error}: {line[:80]!r}")
        return None
    if not isinstance(fields, dict):
        say(f"no event, since no JSON object: {line[:80]!r}")
        return None
    return Event(line, fields)


async def replay(file: Path, a_second: float, say: Say) -> AsyncIterator[Event]:
    """Play the file for ever, as if it happened now."""
    events = [event for line in file.read_text().splitlines() if (event := parse(line, say))]  # noqa: ASYNC240 - once
    while True:
        for event in events:
            fields = event.fields | {"time": datetime.now(UTC).isoformat(timespec="milliseconds")}
            yield Event(json.dumps(fields), fields)
            await asyncio.sleep(1 / a_second)


async def standard_input(say: Say) -> AsyncIterator[Event]:
    """Read until it ends. A thread does, since no file can be waited for; it ends with the process."""
    lines: asyncio.Queue[str | None] = asyncio.Queue(MOST_WAITING)
    loop = asyncio.get_running_loop()
    threading.Thread(target=_read, args=(lines, loop), daemon=True).start()
    while (line := await lines.get()) is not None:
        if line.strip() and (event := parse(line.strip(), say)):
            yield event


def _read(lines: "asyncio.Queue[str | None]", loop: asyncio.AbstractEventLoop) -> None:
    def put(line: str | None) -> None:
        asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()

    rest = b""
    while block := os.read(STDIN, 1 << 16):
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            put(line.decode(errors="replace"))
    put(rest.decode(errors="replace"))
    put(None)


async def given(file: Path, a_second: float, say: Say) -> AsyncIterator[Event]:
    """What comes on standard input; where that is a terminal or empty, the file."""
    is_empty = True
    if not sys.stdin.isatty():
        say("events come from standard input")
        async for event in standard_input(say):
            is_empty = False
            yield event
    if is_empty:
        say(f"events come from {file.name}, again and again")
        async for event in replay(file, a_second, say):
            yield event


async def fill(queue: "asyncio.Queue[Event | None]", events: AsyncIterator[Event]) -> None:
    """Put events into the queue, and None when there are no more."""
    async for event in events:
        await queue.put(event)
    await queue.put(None)


async def batches(queue: "asyncio.Queue[Event | None]") -> AsyncIterator[list[Event]]:
    """Whatever is there, at least one and at most MOST_IN_A_BATCH."""
    batch: list[Event | None] = []
    while None not in batch:
        batch = [await queue.get()]
        while not queue.empty() and len(batch) < MOST_IN_A_BATCH:
            batch.append(queue.get_nowait())
        if found := [event for event in batch if event]:
            yield found
