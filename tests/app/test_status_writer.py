"""The status file is written when its meaning changed, and tried again where the disk refused."""

import asyncio
import logging

import pytest

from controller.app import status_writer
from controller.app.status_writer import StatusWriter


class Disk:
    """Takes documents, or refuses."""

    def __init__(self):
        self.written = []
        self.is_full = False
        self.asked = asyncio.Event()

    def write(self, document):
        self.asked.set()
        if self.is_full:
            raise OSError(28, "No space left on device")
        self.written.append(document)

    async def until_asked(self):
        self.asked.clear()
        async with asyncio.timeout(5):
            await self.asked.wait()


@pytest.fixture(autouse=True)
def pause(monkeypatch):
    monkeypatch.setattr(status_writer, "PERIOD", 0.01)


async def test_it_is_written_once_for_one_meaning():
    disk, document = Disk(), {"ready": True}
    writer = StatusWriter(lambda: dict(document), disk.write)
    running = asyncio.create_task(writer.run())
    writer.changed()
    await disk.until_asked()
    writer.changed()
    document["ready"] = False
    writer.changed()
    await disk.until_asked()
    running.cancel()
    await asyncio.wait({running})
    assert disk.written == [{"ready": True}, {"ready": False}]


async def test_a_full_disk_is_told_once_and_tried_again(caplog):
    disk = Disk()
    disk.is_full = True
    writer = StatusWriter(lambda: {"ready": True}, disk.write)
    running = asyncio.create_task(writer.run())
    with caplog.at_level(logging.WARNING):
        writer.changed()
        await disk.until_asked()
        await disk.until_asked()
    assert len(caplog.records) == 1
    disk.is_full = False
    await disk.until_asked()
    running.cancel()
    await asyncio.wait({running})
    assert disk.written == [{"ready": True}]
