"""What a plugin prints after its handshake comes through its stdio service."""

import asyncio
from pathlib import Path

import pytest

from controller.goplugin import Record
from tests.goplugin.place import Place, until

TALKS = """
import grpc, threading, plugin_base as base
opened = []
def data(channel, text):
    return b'\\x08' + bytes([channel]) + b'\\x12' + bytes([len(text)]) + text
def stdio(request, context):
    opened.append(1)
    yield data(1, b'one li')
    yield data(1, b'ne\\ntwo\\n')
    yield data(2, b'[WARN] careful\\n')
    yield data(7, b'nobody\\n')
    yield b'\\xff\\xff\\xff'
    yield data(2, b'last\\n')
    if END: context.abort(grpc.StatusCode.DATA_LOSS, 'gone')
    while context.is_active(): threading.Event().wait(0.02)
served = base.Handlers.service
def service(self, details):
    if details.method == '/plugin.GRPCStdio/StreamStdio': return grpc.unary_stream_rpc_method_handler(stdio)
    return served(self, details)
base.Handlers.service = service
base.Plugin(calls={'/zoo/Opened': lambda request, context: str(len(opened)).encode()}).run()
"""


async def test_it_is_opened_once_and_its_lines_are_put_together(place: Place) -> None:
    async with place.launch(place.write("END = False\n" + TALKS)) as session:
        await until(lambda: "last" in place.messages("stdio.stderr"))
        assert place.messages("stdio.stdout") == ["one line", "two"]
        warning, _ = [record for record in place.records if record.stream == "stdio.stderr"]
        assert (warning.level, warning.message) == ("warn", "careful")
        await session.check(1)
        assert await session.channel.unary_unary("/zoo/Opened")(b"") == b"1"
        assert str(await session.stop(2, 2)) == "exit code 0"
    assert place.messages("host") == []


async def test_a_stream_that_breaks_is_said_and_the_plugin_goes_on(place: Place) -> None:
    async with place.launch(place.write("END = True\n" + TALKS)) as session:
        await until(lambda: place.messages("host") != [])
        assert place.messages("host") == ["the stdio stream ended: DATA_LOSS gone"]
        await session.check(1)


async def test_a_reader_that_fails_is_named_and_no_task_is_left_with_its_error(place: Place) -> None:
    def emit(record: Record) -> None:
        place.records.append(record)
        if record.stream == "stdio.stdout":
            raise KeyError(record.message)

    async with place.launch(place.write("END = False\n" + TALKS), emit=emit) as session:
        await until(lambda: place.messages("host") != [])
        await session.check(1)
    assert place.messages("host") == ["what it prints is not read any more: KeyError('one line')"]


async def test_a_plugin_without_the_service_is_fine(place: Place) -> None:
    async with place.launch("good") as session:
        await session.check(1)
        await session.stop(1, 1)
    assert place.messages("host") == []


@pytest.mark.go
async def test_what_a_go_plugin_prints_does_not_block_it(place: Place, echo_plugin: Path) -> None:
    async with place.launch(echo_plugin) as session:
        await session.check(1)
        call = session.channel.unary_unary("/zoo.Echo/Call")
        answers = await asyncio.gather(*(call(b"x" * 100) for _ in range(50)))
        assert answers == [b"x" * 100] * 50
