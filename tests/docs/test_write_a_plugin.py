"""The rules of the how-to are true: both run, and say the same."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.adapters.rule import RuleAdapter
from controller.core.model import Digest
from controller.goplugin import Command, Handshake, Limits, launch
from controller.kinds.pb import common_pb2, rule_pb2
from controller.manager.adapter import Plugin
from tests.tools import build

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/write-a-plugin.md").read_text()
EVENTS = ('{"user": {"name": "ann"}, "outcome": "failure"}', '{"user": {"name": "bob"}, "outcome": "success"}', "[")
MOST_LINES = 22
TAG = f"DOCS_TEST={os.getpid()}"


def block(language: str) -> str:
    """The first one."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[0]


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="w") as directory:
        yield Path(directory)


def python_rule(place: Path) -> Path:
    program = place / "failed-login"
    _, rest = block("python").split("\n", 1)
    program.write_text(f"#!{sys.executable}\nimport sys; sys.path.insert(0, {str(ROOT)!r})\n{rest}")
    program.chmod(0o755)
    return program


def go_rule(place: Path) -> Path:
    """Built where the samples in Go are, with their versions."""
    module = place / "go"
    module.mkdir()
    module.joinpath("main.go").write_text(block("go"))
    shutil.copy(ROOT / "examples/go/go.sum", module)
    text = (ROOT / "examples/go/go.mod").read_text()
    module.joinpath("go.mod").write_text(text.replace("../../clients/go", str(ROOT / "clients/go")))
    env = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    for command in (["vet"], ["build", "-mod=readonly", "-o", "../failed-login", "."]):
        subprocess.run([build.go(), *command], cwd=module, env=env, check=True)
    return place / "failed-login"


async def answers(program: Path, place: Path) -> tuple[str, list[rule_pb2.Evaluation]]:
    """The id that it reports, and what it says of the events."""
    command = Command(program=str(program), args=(), env={}, cwd=str(place), socket_dir=str(place), limits=Limits())
    adapter = RuleAdapter()
    handshake = Handshake(adapter.cookie_key, adapter.magic_value, adapter.protocol_versions)
    async with launch(command, handshake, start_timeout=20, emit=lambda _: None, tag=TAG) as session:
        plugin = Plugin("rule", "failed-login", str(program), Digest("0" * 64))
        dispensed = await adapter.handshake(adapter.connect(session.channel), plugin)
        request = rule_pb2.EvaluateBatchRequest(events=[common_pb2.Event(json=each) for each in EVENTS])
        items = list((await dispensed.item.EvaluateBatch(request)).items)
        assert str(await session.stop(5, 5)) == "exit code 0"
    return dispensed.reported.id, items


def check(reported: str, items: list[rule_pb2.Evaluation]) -> None:
    assert reported == "failed-login"
    failure, success, broken = items
    assert (failure.matched, failure.title) == (True, "Failed login of ann")
    assert not success.matched
    assert not success.HasField("error")
    assert broken.error.message


async def test_the_rule_in_python_runs(place: Path) -> None:
    check(*await answers(python_rule(place), place))


@pytest.mark.go
async def test_the_rule_in_go_runs(place: Path) -> None:
    check(*await answers(go_rule(place), place))


def test_a_rule_in_python_is_about_twenty_lines() -> None:
    assert len([line for line in block("python").splitlines() if line.strip()]) <= MOST_LINES
