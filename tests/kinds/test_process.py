"""A plugin of a kind as a process: its config, its log, and its end whatever its hooks do."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import grpc.aio
import pytest

from controller.goplugin import Handshake, ProcessExit
from controller.kinds.pb import common_pb2, rule_pb2
from controller.kinds.pb.rule_pb2_grpc import RuleStub
from tests.goplugin.place import MEASURED, Place
from tests.plugins import of_kinds

RULE = Handshake("BLINK_PLUGIN", "rule_v1")
BATCH = rule_pb2.EvaluateBatchRequest(events=[common_pb2.Event(json='{"user": {"name": "ann"}, "outcome": "failure"}')])
LOSES = """
from controller.kinds import Rule, serve
class Loses(Rule):
    async def shutdown(self):
        import asyncio
        await asyncio.Event().wait()
serve(Loses())
"""


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    yield place
    shutil.rmtree(place.root)


async def test_it_gets_its_config_and_serves_hosts(place: Place) -> None:
    config = place.root / "config.json"
    config.write_text(json.dumps({"limit": 9}))
    program = of_kinds.install("good_rule", place.root / "p")
    async with place.launch(program, RULE, env={"PLUGINMGR_CONFIG": str(config), **MEASURED}) as session:
        stub = RuleStub(session.channel)
        await stub.Init(common_pb2.InitRequest())
        (item,) = (await stub.EvaluateBatch(BATCH)).items
        assert (item.title, item.context_json) == ("ann failed", '{"limit": 9}')
        assert await session.stop(5, 5) == ProcessExit(code=0)


def test_a_config_that_cannot_be_read_is_said(place: Place) -> None:
    program = of_kinds.install("good_rule", place.root / "p")
    env = {"PATH": os.environ["PATH"], "BLINK_PLUGIN": "rule_v1", "PLUGINMGR_CONFIG": "/none"}
    done = subprocess.run([program], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "/none" in done.stderr.splitlines()[-1]


async def test_an_event_that_hangs_does_not_hold_the_end(place: Place) -> None:
    program = of_kinds.install("unwell", place.root / "p")
    async with place.launch(program, RULE, env=MEASURED) as session:
        stub = RuleStub(session.channel)
        await stub.EvaluateBatch(BATCH)
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.EvaluateBatch(BATCH, timeout=0.1)
        hangs = asyncio.ensure_future(_outcome(stub))
        assert await session.stop(30, 0) == ProcessExit(code=0)
        await hangs
    assert place.messages("stderr") == ["the plugin did not finish within 1 s"]


async def test_a_shutdown_that_hangs_does_not_hold_the_end(place: Place) -> None:
    async with place.launch(place.write(LOSES, flags=""), RULE, env=MEASURED) as session:
        assert await session.stop(30, 0) == ProcessExit(code=0)
    assert place.messages("stderr") == ["the plugin did not finish within 1 s"]


async def _outcome(stub: RuleStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        await stub.EvaluateBatch(BATCH)


def test_by_hand_it_says_what_it_is(place: Place) -> None:
    program = of_kinds.install("good_rule", place.root / "p")
    done = subprocess.run([sys.executable, program], env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "This binary is a plugin." in done.stderr
