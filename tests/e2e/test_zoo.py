"""Each misbehaving plugin under a whole controller: its own reason, nobody else disturbed, nothing left of it."""

import re

import pytest

from tests.e2e.proc import descriptors_of, tagged
from tests.e2e.rig import Rig
from tests.plugins import zoo
from tests.plugins.zoo import Animal

# What the plugin needs to show its worst within the test's time, beside the environment of the zoo's own list.
FIELDS = {
    "silence": {"startTimeoutSeconds": 1},
    "not_serving": {"startTimeoutSeconds": 2},
    "stops_answering_health": {
        "startTimeoutSeconds": 2,
        "health": {"periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 1},
    },
    "leaks_descriptors": {"limits": {"openFiles": 64}},
    "grows": {"limits": {"memory": "128Mi"}},
    "ignores_shutdown": {"stop": {"shutdownSeconds": 1, "killSeconds": 1}},
    "ignores_sigterm": {"stop": {"shutdownSeconds": 1, "killSeconds": 1}},
    "hangs_in_shutdown": {"stop": {"shutdownSeconds": 1, "killSeconds": 1}},
}


def fields(animal: Animal) -> dict[str, object]:
    env = [{"name": name, "value": value} for name, value in animal.env.items()]
    if animal.program == "says" and "ConnectFailed" in animal.reason:
        return {"env": env, "startTimeoutSeconds": 2}
    return {"env": env, **FIELDS.get(animal.program, {})}


def bystander_is_undisturbed(controller: Rig, pid: int) -> bool:
    entry = controller.plugin("bystander")
    return entry["state"] == "Serving" and entry["restarts"] == 0 and controller.pids("bystander") == [pid]


def begin(controller: Rig, animal: Animal) -> int:
    """Start with a bystander alone, then add the animal; the bystander's pid."""
    controller.install("good", "bystander")
    controller.configure({"bystander": {}, "animal": fields(animal)})
    controller.start()
    controller.until_served("bystander")
    (pid,) = controller.pids("bystander")
    controller.install(animal.program, "animal")
    return pid


def end_without_a_trace(controller: Rig, descriptors: int) -> None:
    """The animal is taken away: nothing of it is left, and the controller holds no more descriptors than before."""
    (controller.volume / "animal").unlink()
    controller.until_state("animal", "Removed")
    instance = (controller.state / "instance").read_text(encoding="ascii").strip()
    (bystander,) = controller.plugin("bystander")["processes"]
    controller.until(lambda _: tagged(instance) == [bystander["pid"]])
    assert [entry.name for entry in controller.run.iterdir() if entry.is_dir()] == [bystander["worker"]]
    assert [entry.name for entry in (controller.state / "work").iterdir()] == [bystander["worker"]]
    controller.until(lambda _: descriptors_of(controller.running.pid) <= descriptors)
    assert controller.terminate() == 0
    assert tagged(instance) == []


@pytest.mark.parametrize("animal", zoo.FAILS_TO_START, ids=str)
def test_a_plugin_that_cannot_start_says_why_and_disturbs_nobody(controller: Rig, animal: Animal):
    pid = begin(controller, animal)
    descriptors = descriptors_of(controller.running.pid)
    entry = controller.until_plugin("animal", lambda each: each.get("lastExit"))
    assert entry["lastExit"]["reason"] == animal.reason
    assert re.search(r"\w", entry["lastExit"]["message"])
    assert entry["state"] in {"Starting", "BackingOff", "CrashLoop"}
    assert bystander_is_undisturbed(controller, pid)
    end_without_a_trace(controller, descriptors)


@pytest.mark.parametrize("animal", zoo.FAILS_LATER, ids=str)
def test_a_plugin_that_is_lost_is_replaced_with_its_reason(controller: Rig, animal: Animal):
    pid = begin(controller, animal)
    descriptors = descriptors_of(controller.running.pid)
    entry = controller.until_plugin("animal", lambda each: each["restarts"] >= 1 and each.get("lastExit"))
    assert entry["lastExit"]["reason"] == animal.reason
    assert bystander_is_undisturbed(controller, pid)
    end_without_a_trace(controller, descriptors)


@pytest.mark.parametrize("animal", [each for each in zoo.SERVES if each.program != "good"], ids=str)
def test_a_plugin_that_misbehaves_while_it_serves_is_borne(controller: Rig, animal: Animal):
    pid = begin(controller, animal)
    descriptors = descriptors_of(controller.running.pid)
    controller.until_served("animal")
    assert bystander_is_undisturbed(controller, pid)
    end_without_a_trace(controller, descriptors)


def test_two_workers_that_want_one_port_are_told_so(controller: Rig):
    controller.install("fixed_port", "animal")
    controller.configure({"animal": {"workers": 2}})
    controller.start()
    entry = controller.until_plugin("animal", lambda each: each.get("lastExit"))
    assert entry["lastExit"]["reason"] == "PortInUse"
    assert entry["workers"]["ready"] <= 1
