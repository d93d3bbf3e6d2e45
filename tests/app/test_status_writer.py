"""The status is written when its meaning changed, tried again where it was refused, and never waited for at the end."""

import asyncio
import logging

import pytest

from controller.app import status_writer
from controller.app.status_writer import StatusWriter
from controller.errors import StatusNotWrittenError


class Place:
    """Takes documents, or refuses, or does not answer."""

    def __init__(self):
        self.written = []
        self.times = []
        self.refusal = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()

    async def write(self, document):
        self.times.append(asyncio.get_running_loop().time())
        self.asked.set()
        await self.gate.wait()
        if self.refusal:
            raise self.refusal
        self.written.append(document)

    async def until_asked(self):
        self.asked.clear()
        async with asyncio.timeout(500):
            await self.asked.wait()


@pytest.fixture
def place():
    return Place()


@pytest.fixture
def run():
    running = []

    def begin(*args, **more):
        writer = StatusWriter(*args, **more)
        running.append(asyncio.create_task(writer.run()))
        return writer, running[-1]

    yield begin
    for task in running:
        task.cancel()


async def end(task):
    task.cancel()
    await asyncio.wait({task})


async def test_it_is_written_once_for_one_meaning(place, run):
    document = {"ready": True}
    writer, running = run(lambda: dict(document), place.write)
    writer.changed()
    await place.until_asked()
    writer.changed()
    document["ready"] = False
    writer.changed()
    await place.until_asked()
    await end(running)
    assert place.written == [{"ready": True}, {"ready": False}]


async def test_changes_are_written_once_a_second_and_the_latest_wins(place, run):
    document = {"number": 0}
    writer, running = run(lambda: dict(document), place.write)
    for number in range(1, 31):
        document["number"] = number
        writer.changed()
        await asyncio.sleep(0.1)
    await end(running)
    assert [each["number"] for each in place.written] == [1, 11, 21, 30]


async def test_what_follows_at_once_from_a_change_is_in_the_same_write(place, run):
    document = {"state": "Serving"}
    writer, running = run(lambda: dict(document), place.write, settle=0.2)
    began = asyncio.get_running_loop().time()
    for wait, state in enumerate(("Stopping", "Disabled", "Starting")):
        await asyncio.sleep(wait / 10)
        document["state"] = state
        writer.changed()
    await asyncio.sleep(2)
    await end(running)
    assert place.written == [{"state": "Disabled"}, {"state": "Starting"}]
    assert [time - began for time in place.times] == pytest.approx([0.2, 1.2])  # it has waited for long enough by then


async def test_what_is_no_meaning_is_not_written(place, run):
    document = {"ready": True, "at": 0}
    writer, running = run(lambda: dict(document), place.write, meaning=lambda given: given["ready"])
    for number in range(4):
        document["at"] = number
        writer.changed()
        await asyncio.sleep(2)
    await end(running)
    assert place.written == [{"ready": True, "at": 0}]


async def test_what_is_lost_is_written_again(place, run):
    writer, running = run(lambda: {"ready": True}, place.write)
    writer.changed()
    await place.until_asked()
    writer.again()
    await place.until_asked()
    place.gate.clear()
    writer.again()
    await place.until_asked()
    writer.again()  # said while a write is under way, which may have come too early
    place.gate.set()
    await place.until_asked()
    await end(running)
    assert len(place.written) == 4


async def test_a_refusal_is_told_once_and_tried_again(place, run, caplog):
    place.refusal = StatusNotWrittenError("No space left on device")
    with caplog.at_level(logging.INFO):
        writer, running = run(lambda: {"ready": True}, place.write)
        writer.changed()
        await place.until_asked()
        await place.until_asked()
        assert [each.levelname for each in caplog.records] == ["WARNING"]
        place.refusal = None
        await place.until_asked()
        await end(running)
    assert [each.levelname for each in caplog.records] == ["WARNING", "INFO"]
    assert place.written == [{"ready": True}]


async def test_a_refusal_says_how_long_to_wait(place, run):
    place.refusal = StatusNotWrittenError("busy", retry_after=7.0)
    writer, _ = run(lambda: {"ready": True}, place.write)
    writer.changed()
    await place.until_asked()
    await place.until_asked()
    assert place.times[1] - place.times[0] == pytest.approx(7.0, abs=0.01)


async def test_a_write_that_failed_may_have_been_one(place, run):
    """A timeout does not tell; so what was written before it is written again, if that is what is true now."""
    document = {"ready": True}
    writer, running = run(lambda: dict(document), place.write)
    writer.changed()
    await place.until_asked()
    place.refusal = StatusNotWrittenError("no answer")
    document["ready"] = False
    writer.changed()
    await place.until_asked()
    place.refusal = None
    document["ready"] = True
    await place.until_asked()
    await end(running)
    assert place.written == [{"ready": True}] * 2


async def test_each_of_many_writes_at_a_moment_of_its_own_and_once_in_the_window(place, run):
    document = {"number": 0}
    writer, running = run(lambda: dict(document), place.write, window=lambda: 10.0, chance=lambda: 0.3)
    began = asyncio.get_running_loop().time()
    for number in range(1, 31):
        document["number"] = number
        writer.changed()
        await asyncio.sleep(1)
    assert [time - began for time in place.times] == pytest.approx([3.0, 13.0, 23.0], abs=0.01)
    await end(running)


async def test_the_end_writes_at_once_whatever_it_waited_for(place, run):
    document = {"ready": True}
    writer, running = run(lambda: dict(document), place.write, window=lambda: 600.0, chance=lambda: 1.0)
    writer.changed()
    await asyncio.sleep(1)
    began = asyncio.get_running_loop().time()
    await end(running)
    assert place.written == [{"ready": True}]
    assert asyncio.get_running_loop().time() - began < 0.1


async def test_the_end_waits_a_second_for_who_does_not_answer(place, run, caplog):
    place.gate.clear()
    writer, running = run(lambda: {"ready": True}, place.write)
    writer.changed()
    await place.until_asked()
    began = asyncio.get_running_loop().time()
    await end(running)
    assert asyncio.get_running_loop().time() - began == pytest.approx(status_writer.LAST, abs=0.01)
    assert running.cancelled()
    assert "not written in time" in caplog.text
