"""How a controller ends: by SIGTERM in every phase, by a second one, by SIGKILL; and how the next one begins."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.proc import is_alive, tagged, until_gone
from tests.e2e.rig import Rig

STARTING = {"env": [{"name": "ZOO_DELAY_MS", "value": "20000"}], "startTimeoutSeconds": 30}


def instance_of(controller: Rig) -> str:
    return (controller.state / "instance").read_text(encoding="ascii").strip()


def starting(controller: Rig) -> None:
    controller.install("starts_slowly", "plugin")
    controller.configure({"plugin": STARTING})
    controller.start("--grace", "10")
    controller.until_state("plugin", "Starting")


def backing_off(controller: Rig) -> None:
    controller.install("exits_at_once", "plugin")
    controller.configure({"plugin": {"restart": {"initialDelayMilliseconds": 60000}}})
    controller.start("--grace", "10")
    controller.until_plugin("plugin", lambda each: each.get("nextRetry"))


def stopping(controller: Rig) -> None:
    controller.install("ignores_sigterm", "plugin")
    fields = {"stop": {"shutdownSeconds": 2, "killSeconds": 2}}
    controller.configure({"plugin": fields})
    controller.start("--grace", "10")
    controller.until_served("plugin")
    controller.configure({"plugin": fields | {"enabled": False}})
    controller.until_state("plugin", "Stopping")


def serving(controller: Rig) -> None:
    controller.install("good", "plugin")
    controller.configure({"plugin": {"workers": 3}})
    controller.start("--grace", "10")
    controller.until_served("plugin")


PHASES = [starting, backing_off, stopping, serving]


@pytest.mark.parametrize("reach", PHASES, ids=lambda reach: reach.__name__)
def test_sigterm_in_any_phase_ends_with_everything_gone(controller: Rig, reach):
    reach(controller)
    instance = instance_of(controller)
    began = time.monotonic()
    assert controller.terminate() == 0
    assert time.monotonic() - began < 10
    assert tagged(instance) == []
    assert [entry for entry in controller.run.iterdir() if entry.is_dir()] == []


def test_a_sigterm_before_anything_runs_ends_it_too(controller: Rig):
    controller.install("good", "plugin")
    controller.configure({"plugin": {}})
    process = controller.start("--grace", "10")
    status = Path(f"/proc/{process.pid}/status")
    blocked = 1 << (signal.SIGTERM - 1)
    while not int(status.read_text(encoding="ascii").partition("SigBlk:")[2].split()[0], 16) & blocked:
        assert process.poll() is None
    assert controller.terminate() == 0
    assert [entry for entry in controller.run.iterdir() if entry.is_dir()] == []


@pytest.mark.parametrize("reach", PHASES, ids=lambda reach: reach.__name__)
def test_a_second_sigterm_ends_it_at_once(controller: Rig, reach):
    reach(controller)
    instance = instance_of(controller)
    controller.running.send_signal(signal.SIGTERM)
    controller.until(lambda status: status) if reach is stopping else None
    controller.running.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert controller.running.wait(10) == 0
    assert time.monotonic() - began < 3  # one that stops takes 4 s without it
    assert tagged(instance) == []


def test_a_worker_that_ignores_everything_is_killed_before_the_grace_ends(controller: Rig):
    controller.install("ignores_sigterm", "plugin")
    controller.configure({"plugin": {"stop": {"shutdownSeconds": 60, "killSeconds": 60}}})
    controller.start("--grace", "3")
    controller.until_served("plugin")
    (pid,) = controller.pids("plugin")
    began = time.monotonic()
    assert controller.terminate() == 0
    assert time.monotonic() - began < 3.5
    assert not is_alive(pid)


def test_no_worker_survives_a_killed_controller(controller: Rig):
    controller.install("good", "plugin")
    controller.install("forks_child", "forker")
    controller.install("daemonises", "daemon")
    controller.configure({"plugin": {"workers": 3}})
    controller.start()
    controller.until(lambda status: status["summary"] == "3/3")
    instance = instance_of(controller)
    workers = [pid for name in ("plugin", "forker", "daemon") for pid in controller.pids(name)]
    controller.running.send_signal(signal.SIGKILL)
    controller.running.wait()
    slowest = max(until_gone(pid) for pid in workers)
    print(f"the last of {len(workers)} workers was gone {1000 * slowest:.1f} ms after the controller")
    assert slowest < 0.1
    assert tagged(instance), "the forked ones survive, else this test shows nothing"
    controller.start()
    controller.until(lambda status: status["summary"] == "3/3")
    survivors = {pid for name in ("plugin", "forker", "daemon") for pid in controller.pids(name)}
    assert survivors.isdisjoint(workers)
    assert controller.terminate() == 0
    assert tagged(instance) == []


def test_a_second_controller_on_the_same_directories_is_refused(controller: Rig):
    controller.install("good")
    controller.configure({"good": {}})
    controller.start()
    controller.until_served("good")
    (pid,) = controller.pids("good")
    second = subprocess.run(controller.command(), capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 4
    assert f"in use by another controller (pid {controller.running.pid})" in second.stderr
    assert controller.pids("good") == [pid]


def test_the_successor_of_a_killed_controller_names_the_largest_plugin(controller: Rig):
    controller.install("good", "plugin")
    controller.configure({"plugin": {}})
    controller.start()
    controller.until_served("plugin")
    record = controller.state / "post-mortem.json"
    controller.until(lambda _: record.exists() and '"zoo/plugin"' in record.read_text(encoding="utf-8"))
    os.kill(controller.running.pid, signal.SIGKILL)
    controller.running.wait()
    controller.start()
    controller.until_served("plugin")
    (entry,) = [each for each in controller.history("plugin") if each["what"] == "PreviousRunKilled"]
    assert "the largest plugin was zoo/plugin" in entry["message"]
