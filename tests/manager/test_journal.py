"""What plugins said is kept in bounds and handed to those who follow."""

import asyncio
import logging

from controller.goplugin import Record, Stream
from controller.manager.journal import CHARACTERS, FOLLOWER_LINES, LINES, Journal


def record(message, level="info", **fields):
    return Record(level, message, Stream.STDERR, fields)


def test_the_ring_keeps_the_last_lines():
    journal = Journal()
    for number in range(LINES + 10):
        journal.emit("rule/one", "w1", record(str(number)))
    lines = journal.lines("rule/one")
    assert len(lines) == LINES
    assert journal.tail("rule/one", 2) == [str(LINES + 8), str(LINES + 9)]
    assert journal.tail("rule/one", 0) == []
    assert journal.lines("rule/two") == []


def test_a_line_tells_worker_level_and_fields():
    journal = Journal()
    journal.emit("rule/one", "w1", record("hello", "warn", user="x"))
    (line,) = journal.lines("rule/one")
    assert line.text == "hello user=x"
    told = line.as_dict()
    assert (told["worker"], told["level"], told["fields"]) == ("w1", "warn", {"user": "x"})


def test_plugin_output_reaches_the_log_with_kind_name_and_worker(caplog):
    with caplog.at_level(logging.INFO, logger="plugin"):
        Journal().emit("rule/one", "w1", record("hello", "warn"))
    (logged,) = caplog.records
    assert (logged.levelname, logged.kind, logged.plugin, logged.worker) == ("WARNING", "rule", "one", "w1")


async def test_a_follower_gets_what_is_kept_and_then_what_comes():
    journal = Journal()
    journal.emit("rule/one", "w1", record("before"))
    lines = journal.follow("rule/one")
    assert (await anext(lines)).text == "before"
    waiting = asyncio.ensure_future(anext(lines))
    await asyncio.wait({waiting}, timeout=0)
    journal.emit("rule/one", "w1", record("after"))
    assert (await waiting).text == "after"
    await lines.aclose()


async def test_a_follower_that_does_not_read_loses_the_oldest():
    journal = Journal()
    lines = journal.follow("rule/one")
    waiting = asyncio.ensure_future(anext(lines))
    await asyncio.wait({waiting}, timeout=0)
    for number in range(FOLLOWER_LINES + 5):
        journal.emit("rule/one", "w1", record(str(number)))
    assert int((await waiting).text) == 5
    await lines.aclose()


async def test_following_ends_when_the_plugin_is_forgotten():
    journal = Journal()
    lines = journal.follow("rule/one")
    waiting = asyncio.ensure_future(anext(lines, None))
    await asyncio.wait({waiting}, timeout=0)
    journal.forget("rule/one")
    assert await waiting is None
    assert journal.lines("rule/one") == []


def test_the_ring_is_bounded_in_size_too():
    journal = Journal()
    for _ in range(LINES):
        journal.emit("rule/one", "w1", record("x" * 60_000))
    assert sum(len(line.text) for line in journal.lines("rule/one")) <= CHARACTERS
    assert journal.lines("rule/one")
