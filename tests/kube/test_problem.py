"""The words for a failed request say the cause and nothing that differs from one try to the next."""

import asyncio
import socket

import aiohttp
import pytest

from controller.kube import problem
from tests.cluster.fake_api import FakeApi
from tests.cluster.faults import Refuse, Silence


async def error_of(url: str, seconds: float = 0.3, **options) -> str:
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        with pytest.raises((aiohttp.ClientError, TimeoutError, OSError)) as caught:
            async with session.get(url, **options) as response:
                await response.read()
    return problem.of_error(caught.value)


async def test_a_refused_connection():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert await error_of(f"http://127.0.0.1:{port}/") == "the API server cannot be reached (Connection refused)"


async def test_an_unknown_host():
    said = await error_of("http://no-such-host.invalid/")
    assert said.startswith("the API server cannot be reached (")
    assert "rror -" not in said  # a number is no word


async def test_a_server_that_hangs_up_or_resets():
    async def hang_up(_, writer):
        writer.transport.abort()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    assert await error_of(url) == "the API server cannot be reached (Connection reset by peer)"
    assert await error_of(url.replace("http", "https")) == "the API server cannot be reached (Connection reset by peer)"
    server.close()


async def test_a_server_that_speaks_no_tls():
    async def answer(_, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    said = await error_of(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", seconds=10)
    assert said.startswith("the API server cannot be reached (TLS: ")
    assert "permitted" not in said
    server.close()


async def test_a_server_that_says_nothing(fake: FakeApi):
    fake.fail(Silence(headers=False))
    assert await error_of(fake.url) == "the API server does not answer in time"


async def test_an_answer_that_refuses(fake: FakeApi):
    fake.fail(Refuse(403, "Forbidden"))
    async with aiohttp.ClientSession() as session, session.get(fake.url) as response:
        assert await problem.of_response(response) == ("403 the fake refuses: 403 Forbidden")
    assert problem.of_answer(503, b"") == "503 Service Unavailable"
    assert problem.of_answer(502, b"<html>\n a proxy") == "502 <html> a proxy"
