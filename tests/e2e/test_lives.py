"""Whole controllers and plugins of a bundled kind: their own ping and goodbye count, and they can be called by hand."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from controller.testing import LocalMode
from tests.plugins import of_kinds

HEALTH = {"periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 2}


@pytest.fixture
def mode(local_mode: LocalMode) -> LocalMode:
    local_mode.write_config({"kinds": [{"name": "rule", "adapter": "rule", "defaults": {"health": HEALTH}}]})
    return local_mode


def begin(mode: LocalMode, **config: Mapping[str, Any]) -> None:
    for name, settings in config.items():
        of_kinds.install("moody", mode.plugins / "rule", name)
        mode.flag(name, config=settings)
    mode.start()


@pytest.mark.parametrize(
    ("mood", "message"),
    [
        ("fail", "ping failed: Ping: FAILED_PRECONDITION OSError: the database is away"),
        ("hang", "ping got no answer within 1 s"),
    ],
)
def test_a_plugin_that_serves_but_does_not_ping_is_replaced(mode: LocalMode, mood: str, message: str):
    begin(mode, moody={"ping": mood})
    entry = mode.until_plugin("moody", lambda each: each.get("lastExit"))
    assert entry["lastExit"]["reason"] == "Unhealthy"
    assert entry["lastExit"]["message"].startswith(message)
    assert "(2 times in a row)" in entry["lastExit"]["message"]
    mode.until_plugin("moody", lambda each: each["restarts"] == 1)


def test_a_plugin_that_is_stopped_finishes_first_and_once(mode: LocalMode):
    begin(mode, moody={"ping": "well"})
    mode.until_served("moody")
    mode.flag("moody", enabled=False)
    mode.until_state("moody", "Disabled")
    assert [each["message"] for each in mode.logs("moody")].count("finished") == 1


def test_a_plugin_that_dies_in_its_greeting_shows_how(mode: LocalMode):
    begin(mode, moody={"init": "die", "ping": "well"})
    entry = mode.until_plugin("moody", lambda each: each.get("lastExit"))
    assert (entry["lastExit"]["reason"], entry["lastExit"]["code"]) == ("Exited", 3)
    assert "during the adapter's handshake" in entry["lastExit"]["message"]


def test_a_rule_can_be_tried_from_the_shell(mode: LocalMode):
    of_kinds.install("good_rule", mode.plugins / "rule", "good")
    mode.start()
    mode.until_served("good")
    event = '{"user": {"name": "ann"}, "outcome": "failure"}'
    command = [sys.executable, "-m", "controller", "call", "rule/good", event, "-o", "json", "--run-dir", str(mode.run)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["title"] == "ann failed"
