"""How versions follow each other: a bad one never costs the good one, and only what must changes."""

import os
import signal
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.e2e.proc import environment_of, is_alive, until_gone
from tests.e2e.rig import Rig

AT_ONCE = {"update": {"minReadySeconds": 0}}
SOON = {"restart": {"initialDelayMilliseconds": 50, "maxDelaySeconds": 1}}


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def serving(controller: Rig, *more: str, workers: int = 1, **fields: Any) -> list[int]:
    """A controller with one plugin that serves; its pids."""
    controller.install("good", "plugin")
    controller.configure({"plugin": {"workers": workers} | AT_ONCE | fields})
    controller.start(*more)
    controller.until(lambda _: len(ready(controller)) == workers)
    return ready(controller)


def ready(controller: Rig) -> list[int]:
    """The pids of the plugin's ready workers, none before it is known."""
    plugin = controller.ask("/plugins/zoo/plugin")
    return [each["pid"] for each in plugin.get("processes", ()) if each["phase"] == "Ready"]


def replaced(controller: Rig, pid: int) -> int:
    """Wait until one other worker serves alone; its pid."""
    controller.until(lambda _: ready(controller) not in ([], [pid]))
    until_gone(pid)
    (fresh,) = ready(controller)
    return fresh


def crashed_and_rolled_back(controller: Rig, **fields: Any) -> tuple[str, str]:
    """A good version that has proved itself, then a bad one that is rolled back; both digests."""
    good = digest(controller.install("good", "plugin"))
    fields = AT_ONCE | SOON | fields
    fields["update"] = {"minReadySeconds": 0, "probationSeconds": 0}
    controller.configure({"plugin": fields})
    controller.start()
    controller.until_served("plugin", good)
    fields["update"] = {"minReadySeconds": 0, "probationSeconds": 60}
    controller.configure({"plugin": fields})
    bad = digest(controller.install("crashes", "plugin"))
    controller.until_condition("Degraded", "plugin", status="True", reason="RolledBack")
    controller.until_plugin("plugin", lambda each: each.get("servingDigest") == good and each["workers"]["ready"])
    return good, bad


def test_a_new_version_that_cannot_start_leaves_the_old_one_serving(controller: Rig):
    (pid,) = serving(controller, **SOON)
    good = digest(controller.volume / "plugin")
    controller.install("exits_at_once", "plugin")
    stuck = controller.until_condition("Progressing", "plugin", status="False", reason="CrashLoop")
    assert "ExitedBeforeHandshake" in stuck["message"]
    entry = controller.until_plugin("plugin", lambda each: each["servingDigest"] == good)
    assert next(each for each in entry["conditions"] if each["type"] == "Ready")["status"] == "True"
    assert pid in ready(controller)
    assert is_alive(pid)


def test_the_fixed_file_of_one_that_could_not_start_is_taken_at_once(controller: Rig):
    (pid,) = serving(controller, restart={"initialDelayMilliseconds": 60000})
    controller.install("exits_at_once", "plugin")
    controller.until_condition("Progressing", "plugin", status="False", reason="BackingOff")
    fixed = digest(controller.install("good", "plugin", version="2"))
    controller.until_served("plugin", fixed, deadline=10)
    until_gone(pid)


def test_a_version_that_crashes_in_its_probation_is_rolled_back(controller: Rig):
    good, bad = crashed_and_rolled_back(controller)
    entry = controller.until_state("plugin", "RolledBack")
    assert entry["servingDigest"] == entry["targetDigest"] == good
    assert digest(controller.volume / "plugin") == bad
    what = [each["what"] for each in controller.history("plugin")]
    assert "Degraded" in what


def test_a_hold_survives_the_controller_and_ends_with_a_fixed_file(controller: Rig):
    good, bad = crashed_and_rolled_back(controller)
    assert controller.terminate() == 0
    controller.start()
    entry = controller.until_plugin("plugin", lambda each: each["workers"]["ready"])
    assert (entry["state"], entry["servingDigest"]) == ("RolledBack", good)
    fixed = digest(controller.install("good", "plugin", version="3"))
    assert fixed not in (good, bad)
    controller.until_served("plugin", fixed)


def test_a_hold_survives_a_controller_that_was_killed(controller: Rig):
    good, _ = crashed_and_rolled_back(controller)
    controller.running.send_signal(signal.SIGKILL)
    controller.running.wait()
    controller.start()
    entry = controller.until_plugin("plugin", lambda each: each["workers"]["ready"])
    assert (entry["state"], entry["servingDigest"]) == ("RolledBack", good)


def test_more_and_fewer_workers_touch_only_what_must(controller: Rig):
    before = serving(controller, workers=2)
    controller.configure({"plugin": {"workers": 4} | AT_ONCE})
    controller.until(lambda _: len(ready(controller)) == 4)
    assert set(before) < set(ready(controller))
    controller.configure({"plugin": {"workers": 1} | AT_ONCE})
    controller.until(lambda _: len(controller.plugin("plugin")["processes"]) == 1)
    assert set(ready(controller)) < set(before)


def test_a_changed_launch_spec_is_a_swap(controller: Rig):
    (pid,) = serving(controller, env=[{"name": "COLOUR", "value": "red"}])
    assert environment_of(pid)["COLOUR"] == "red"
    controller.configure({"plugin": {"env": [{"name": "COLOUR", "value": "blue"}]} | AT_ONCE})
    assert environment_of(replaced(controller, pid))["COLOUR"] == "blue"


def test_what_does_not_shape_the_process_is_taken_over_without_a_swap(controller: Rig):
    (pid,) = serving(controller)
    changed = {"required": True, "startTimeoutSeconds": 33, "stop": {"killSeconds": 3}, "health": {"periodSeconds": 3}}
    controller.configure({"plugin": changed | AT_ONCE})
    controller.until_plugin("plugin", lambda each: each["required"])
    assert ready(controller) == [pid]


def test_one_crashed_worker_of_many_is_replaced_alone(controller: Rig):
    pids = serving(controller, workers=3)
    os.kill(pids[1], signal.SIGKILL)
    now: set[int] = set()

    def is_replaced(_: object) -> bool:
        now.clear()
        now.update(ready(controller))
        return len(now) == 3 and pids[1] not in now

    controller.until(is_replaced)
    assert {pids[0], pids[2]} < now
    assert controller.plugin("plugin")["restarts"] == 1


def test_disabled_while_it_starts_it_is_cut_off(controller: Rig):
    controller.install("starts_slowly", "plugin")
    slow = {"env": [{"name": "ZOO_DELAY_MS", "value": "60000"}], "startTimeoutSeconds": 60}
    controller.configure({"plugin": slow})
    controller.start()
    controller.until_state("plugin", "Starting")
    controller.configure({"plugin": slow | {"enabled": False}})
    controller.until_state("plugin", "Disabled", deadline=10)
    assert controller.plugin("plugin")["processes"] == []
    assert controller.leftovers() == []


def test_paused_nothing_changes_but_failed_workers_restart(controller: Rig):
    (pid,) = serving(controller)
    controller.configure({"plugin": AT_ONCE}, paused=True)
    controller.until_condition("Paused", status="True")
    other = digest(controller.install("good", "plugin", version="2"))
    controller.configure({"plugin": {"workers": 3} | AT_ONCE}, paused=True)
    os.kill(pid, signal.SIGKILL)
    fresh = replaced(controller, pid)
    assert controller.plugin("plugin")["servingDigest"] != other
    controller.configure({"plugin": {"workers": 3} | AT_ONCE})
    controller.until(lambda _: len(ready(controller)) == 3 and fresh not in ready(controller))
    assert controller.until_served("plugin")["servingDigest"] == other
