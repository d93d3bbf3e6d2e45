"""`pluginmgr watch`: what hosts are told, line by line, and no drain that waits for it."""

import asyncio
import json
import signal
import subprocess
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from controller.core.model import Reported
from controller.testing.fake_registry import FakeRegistry
from controller.testing.fake_worker import echo
from tests.cli.conftest import ROOT, command, environment

DEADLINE = 20.0
Start = Callable[..., Awaitable[Process]]
METHODS = {"/x/Y": echo}


@pytest.fixture
async def watch(fake_registry: FakeRegistry) -> AsyncIterator[Start]:
    """Start the command; it is killed at the end, if it still runs."""
    begun: list[Process] = []

    async def start(*args: str) -> Process:
        argv = command("watch", "--run-dir", fake_registry.run_dir, *args)
        process = await asyncio.create_subprocess_exec(*argv, env=environment(), cwd=ROOT, stdout=PIPE, stderr=PIPE)
        begun.append(process)
        return process

    yield start
    for process in begun:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(stream: asyncio.StreamReader) -> str:
    async with asyncio.timeout(DEADLINE):
        return (await stream.readline()).decode().rstrip("\n")


async def test_each_message_is_a_line_as_it_comes(fake_registry: FakeRegistry, watch: Start):
    async with fake_registry as registry:
        one = await registry.worker("rule/x", METHODS, adapter="rule", concurrency=1, reported=Reported("an-id"))
        registry.register("rule/x", one)
        process = await watch("-o", "json")
        first = json.loads(await line(process.stdout))
        assert (first["message"], first["plugin"], first["maxProcs"]) == ("Register", "rule/x", 1)
        assert first["version"]["digest"] == one.handle.version.digest
        (shown,) = first["workers"]
        assert shown["worker"] == one.id
        assert (shown["adapter"], shown["concurrency"], shown["id"]) == ("rule", 1, "an-id")
        assert first["time"][:2] == "20"
        two = await registry.worker("rule/x", METHODS)
        registry.update("rule/x", two)
        update = json.loads(await line(process.stdout))
        assert (update["message"], update["draining"]) == ("Update", [one.id])
        await registry.until(lambda: registry.is_drained(one))
        registry.unregister("rule/x")
        assert json.loads(await line(process.stdout))["message"] == "Unregister"
        registry.remove("rule/x")
        assert json.loads(await line(process.stdout))["message"] == "Remove"


async def test_for_people_a_line_says_who_serves_and_who_drains(fake_registry: FakeRegistry, watch: Start):
    async with fake_registry as registry:
        one, two = await registry.worker("rule/x", METHODS), await registry.worker("rule/x", METHODS)
        registry.register("rule/x", one)
        process = await watch()
        digest = one.handle.version.digest[:12]
        assert (await line(process.stdout)).endswith(f"  rule/x  Register  {digest}  1/1: {one.id}")
        registry.update("rule/x", two)
        update = await line(process.stdout)
        assert update.endswith(f"1/1: {two.id}  draining {one.id}")


async def test_a_controller_that_went_away_is_waited_for(fake_registry: FakeRegistry, watch: Start):
    async with fake_registry as registry:
        registry.register("rule/x", await registry.worker("rule/x", METHODS))
        process = await watch()
        await line(process.stdout)
    assert "pluginmgr: no controller answers: " in await line(process.stderr)
    async with FakeRegistry(fake_registry.run_dir) as registry:
        text = await line(process.stderr)
        while "connected again" not in text:  # the socket is gone for a moment, then it refuses
            assert "no controller answers" in text
            text = await line(process.stderr)
        assert "  rule/x  Unregister" in await line(process.stdout)


async def test_workers_that_hang_up_are_no_news_on_stderr(fake_registry: FakeRegistry, watch: Start):
    """gRPC's core tells of most goodbyes of a server, if it is let."""
    async with fake_registry as registry:
        process = await watch()
        for number in range(10):
            worker = await registry.worker(f"rule/{number}", METHODS)
            registry.register(f"rule/{number}", worker)
            assert "Register" in await line(process.stdout)
            await registry.crash(worker)
            assert "Unregister" in await line(process.stdout)
        process.send_signal(signal.SIGINT)
        assert await process.stderr.read() == b""


async def test_ctrl_c_ends_it(fake_registry: FakeRegistry, watch: Start):
    async with fake_registry as registry:
        registry.register("rule/x", await registry.worker("rule/x", METHODS))
        process = await watch()
        await line(process.stdout)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(DEADLINE):
            assert await process.wait() == 130
        assert await process.stderr.read() == b""


async def test_a_reader_that_has_seen_enough_is_no_error(fake_registry: FakeRegistry):
    async with fake_registry as registry:
        worker = await registry.worker("rule/x", METHODS)
        registry.register("rule/x", worker)
        argv = command("watch", "--run-dir", registry.run_dir)
        process = subprocess.Popen(argv, env=environment(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        await asyncio.to_thread(process.stdout.readline)
        process.stdout.close()
        registry.update("rule/x", worker)
        said = await asyncio.to_thread(process.stderr.read)
        assert (await asyncio.to_thread(process.wait, DEADLINE), said) == (141, b"")
        process.stderr.close()
