"""Local mode as other teams' tests use it: files, flags, questions, and a clean end."""

import signal
from hashlib import sha256

import pytest
import yaml

from controller.testing import LocalMode, is_alive, until_gone
from tests.e2e.rig import HANDSHAKE
from tests.plugins import zoo

PLUGIN = "zoo/good"
SWIFT = {"minReadySeconds": 0}


@pytest.fixture
def mode(local_mode: LocalMode) -> LocalMode:
    """A controller that serves one plugin."""
    zoo.install("good", local_mode.plugins / "zoo")
    local_mode.write_config({"kinds": [{"name": "zoo", "handshake": HANDSHAKE}]})
    local_mode.flag(PLUGIN, update=SWIFT)
    local_mode.start()
    local_mode.until_served(PLUGIN)
    return local_mode


def test_a_swap_is_other_bytes_that_do_the_same(mode: LocalMode):
    (old,) = mode.pids(PLUGIN)
    for count in (1, 2):
        digest = mode.swap(PLUGIN)
        assert mode.file(PLUGIN).read_bytes().endswith(f"\n# version {count}\n".encode())
        assert digest == sha256(mode.file(PLUGIN).read_bytes()).hexdigest()
        mode.until_served(PLUGIN, digest)
    until_gone(old)


def test_a_flag_changes_its_fields_of_its_entry_only(local_mode: LocalMode):
    local_mode.write_config({"paused": True, "kinds": [{"name": "rule", "plugins": [{"name": "a", "workers": 2}]}]})
    local_mode.flag("rule/a", enabled=False)
    local_mode.flag("b", enabled=True, workers=None)  # `rule` is the kind of names alone
    local_mode.flag("matcher/c", workers=3)
    assert yaml.safe_load(local_mode.config.read_text())["spec"] == {
        "paused": True,
        "kinds": [
            {
                "name": "rule",
                "plugins": [{"name": "a", "workers": 2, "enabled": False}, {"name": "b", "enabled": True}],
            },
            {"name": "matcher", "plugins": [{"name": "c", "workers": 3}]},
        ],
    }


def test_a_crash_is_answered_and_remembered(mode: LocalMode):
    pid = mode.crash(PLUGIN)
    entry = mode.until_plugin(PLUGIN, lambda each: each["restarts"] == 1 and each["state"] == "Serving")
    assert entry["lastExit"]["signal"] == signal.SIGKILL
    assert not is_alive(pid)
    assert ("WorkerLost", "Killed") in {(each["what"], each["reason"]) for each in mode.history(PLUGIN)}


def test_a_removed_file_removes_the_plugin(mode: LocalMode):
    mode.flag(PLUGIN, enabled=None, update=None)
    mode.write_config({"kinds": [{"name": "zoo", "handshake": HANDSHAKE}]})
    mode.remove(PLUGIN)
    mode.until(lambda status: status["plugins"] == [])


def test_logs_are_what_the_plugin_said(local_mode: LocalMode):
    zoo.install("floods", local_mode.plugins / "zoo")
    local_mode.write_config({"kinds": [{"name": "zoo", "handshake": HANDSHAKE}]})
    local_mode.start()
    local_mode.until_served("zoo/floods")
    assert all("message" in each for each in local_mode.logs("zoo/floods"))


def test_a_clean_end_leaves_nothing(mode: LocalMode):
    assert mode.leftovers() != []
    assert mode.terminate() == 0
    assert mode.leftovers() == []


def test_what_never_comes_fails_with_the_status_and_the_log(mode: LocalMode):
    with pytest.raises(AssertionError, match=r"not within 0.1 s(?s:.*)servingDigest(?s:.*)listening"):
        mode.until(lambda _: False, deadline=0.1)


def test_a_controller_that_ended_is_not_waited_for(local_mode: LocalMode):
    local_mode.write_config("no config at all")
    local_mode.start()
    with pytest.raises(AssertionError, match="the controller ended with 2"):
        local_mode.until(lambda _: True)
