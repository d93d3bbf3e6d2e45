"""The promises of the local mode that a newcomer tries first, on a whole controller and real plugins."""

import os
import signal
from hashlib import sha256

from tests.e2e.proc import is_alive, until_gone
from tests.e2e.rig import Rig


def test_plugins_on_the_volume_are_started(controller: Rig):
    controller.install("good")
    controller.configure({"good": {"workers": 2}})
    controller.start()
    entry = controller.until_served("good")
    assert entry["workers"] == {"ready": 2, "wanted": 2}
    assert len(controller.pids("good")) == 2


def test_a_plugin_without_an_entry_gets_the_defaults(controller: Rig):
    controller.install("good", "unnamed")
    controller.configure(defaults={"workers": 2})
    controller.start()
    assert controller.until_served("unnamed")["workers"]["wanted"] == 2


def test_a_flag_turned_off_stops_that_plugin_alone(controller: Rig):
    controller.install("good", "one")
    controller.install("good", "two")
    controller.configure({"one": {}, "two": {}})
    controller.start()
    controller.until(lambda status: status["summary"] == "2/2")
    (one,), (two,) = controller.pids("one"), controller.pids("two")
    controller.configure({"one": {"enabled": False}, "two": {}})
    controller.until_state("one", "Disabled")
    until_gone(one)
    assert controller.pids("two") == [two]
    controller.configure({"one": {}, "two": {}})
    controller.until_served("one")
    assert controller.pids("two") == [two]


def test_a_new_binary_serves_only_once_it_is_ready(controller: Rig):
    old = controller.install("good", "greeter")
    before = sha256(old.read_bytes()).hexdigest()
    controller.configure({"greeter": {"update": {"minReadySeconds": 0}}})
    controller.start()
    controller.until_served("greeter", before)
    (first,) = controller.pids("greeter")
    new = controller.install("starts_slowly", "greeter")
    after = sha256(new.read_bytes()).hexdigest()
    updating = controller.until_state("greeter", "Updating")
    assert updating["servingDigest"] == before
    assert is_alive(first)
    controller.until_served("greeter", after)
    until_gone(first)


def test_a_killed_worker_comes_back(controller: Rig):
    controller.install("good")
    controller.configure({"good": {}})
    controller.start()
    controller.until_served("good")
    (pid,) = controller.pids("good")
    os.kill(pid, signal.SIGKILL)
    entry = controller.until_plugin("good", lambda each: each["restarts"] == 1 and each["state"] == "Serving")
    assert entry["lastExit"]["reason"] == "Killed"
    assert entry["lastExit"]["signal"] == signal.SIGKILL
    assert controller.pids("good") != [pid]


def test_a_file_that_is_gone_removes_its_plugin(controller: Rig):
    path = controller.install("good")
    controller.install("good", "other")
    controller.configure({})
    controller.start()
    controller.until(lambda status: status["summary"] == "2/2")
    (pid,) = controller.pids("good")
    path.unlink()
    controller.until(lambda status: [each["name"] for each in status["plugins"]] == ["other"])
    until_gone(pid)


def test_restart_gives_fresh_workers(controller: Rig):
    controller.install("good")
    controller.configure({"good": {"update": {"minReadySeconds": 0}}})
    controller.start()
    controller.until_served("good")
    (pid,) = controller.pids("good")
    controller.ask("/restart/zoo/good", "POST")
    controller.until(lambda _: controller.pids("good") not in ([pid], []))
    until_gone(pid)
    controller.until_served("good")


def test_sigterm_stops_everything_and_exits_with_zero(controller: Rig):
    controller.install("good")
    controller.configure({"good": {"workers": 2}})
    controller.start()
    controller.until_served("good")
    pids = controller.pids("good")
    assert controller.terminate() == 0
    assert not any(is_alive(pid) for pid in pids)
    assert [entry.name for entry in controller.run.iterdir() if entry.is_dir()] == []
    assert list((controller.state / "work").iterdir()) == []
