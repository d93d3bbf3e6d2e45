"""Hosts in other processes follow a whole controller through the registry's socket and call its plugins directly."""

import os
import signal
import time

import pytest

from controller.registry.ledger import GONE_SECONDS

pytestmark = pytest.mark.go
LONG = 60_000  # milliseconds: longer than any test


@pytest.fixture
def served(controller):
    """The echo plugin serves with one worker; a drain may last for ever."""
    controller.install("echo")
    controller.configure(defaults={"update": {"drainSeconds": 300, "minReadySeconds": 0}})
    controller.start()
    controller.until_served("echo")
    return controller


def worker(controller, phase="Ready"):
    """The one worker in that phase."""
    (found,) = (each for each in controller.plugin("echo")["processes"] if each["phase"] == phase)
    return found["worker"]


def swap(controller, version="2"):
    """Another binary; the worker that serves now."""
    before = worker(controller)
    controller.install("echo", version=version)
    controller.until(lambda _: any(is_new(each, before) for each in controller.plugin("echo")["processes"]))
    return worker(controller)


def is_new(process, before):
    return process["phase"] == "Ready" and process["worker"] != before


def draining(controller):
    return [each["worker"] for each in controller.plugin("echo")["processes"] if each["phase"] == "Draining"]


def test_a_host_calls_the_plugin_directly_and_a_swap_loses_no_call(served, follow):
    old, host = worker(served), follow(served.run)
    host.hears(old)
    assert host.call() == old
    slow = host.begin(delay=3000)
    new = swap(served)
    host.hears(new)
    assert host.call() == new
    assert host.result(slow) == old
    served.until(lambda _: not draining(served))
    assert "pluginmgr_hosts 1.0" in served.http("/metrics")[1]


def test_a_killed_controller_costs_a_host_nothing_but_news(served, follow):
    old, host = worker(served), follow(served.run)
    host.hears(old)
    served.running.kill()
    served.running.wait()
    served.start()
    served.until_served("echo")
    new = worker(served)
    assert new != old, "a host may still know the old one"
    host.hears(new)
    assert host.call() == new
    told = host.until(lambda line: new in line.get("workers", ()))
    # Whether it came back before the plugin was up again is chance.
    assert (told["what"], told["draining"]) in [("UpdateMessage", [old]), ("RegisterMessage", [])]


def test_a_stopped_host_holds_a_drain_up_to_the_deadline_and_no_longer(controller, follow):
    controller.install("echo")
    controller.configure(defaults={"update": {"drainSeconds": 1, "minReadySeconds": 0}})
    controller.start()
    controller.until_served("echo")
    old, host = worker(controller), follow(controller.run)
    host.hears(old)
    os.kill(host.process.pid, signal.SIGSTOP)
    began = time.monotonic()
    new = swap(controller)
    controller.until(lambda _: [each["worker"] for each in controller.plugin("echo")["processes"]] == [new])
    assert time.monotonic() - began > 1, "it owed an answer"
    os.kill(host.process.pid, signal.SIGCONT)
    host.hears(new)
    assert host.call() == new


def test_a_killed_host_owes_nothing_after_two_seconds(served, follow):
    old, host = worker(served), follow(served.run)
    host.hears(old)
    host.begin(delay=LONG)
    new = swap(served)
    host.hears(new)
    assert draining(served) == [old], "a call is in flight there"
    began = time.monotonic()
    host.process.kill()
    served.until(lambda _: not draining(served))
    assert time.monotonic() - began > 1.9


def test_a_host_that_is_killed_as_all_ends_holds_the_end_up_for_half_a_second(served, follow):
    """A kubelet whose grace is used up kills the app as it asks the sidecar to end, and leaves that two seconds."""
    host = follow(served.run)
    host.hears(worker(served))
    host.begin(delay=LONG)
    host.process.kill()
    served.until(lambda _: "pluginmgr_hosts 0.0" in served.http("/metrics")[1])
    began = time.monotonic()
    assert served.terminate() == 0
    assert time.monotonic() - began < GONE_SECONDS


def test_a_host_that_joins_in_the_middle_of_a_drain_never_hears_of_the_draining_worker(served, follow):
    old, early = worker(served), follow(served.run, "early")
    early.hears(old)
    early.begin(delay=LONG)
    new = swap(served)
    early.hears(new)
    late = follow(served.run, "late")
    late.hears(new)
    assert late.call() == new
    early.close()
    served.until(lambda _: not draining(served))
    newest = swap(served, "3")
    late.hears(newest)
    assert late.told() == {new, newest}


def test_at_shutdown_hosts_may_finish_their_calls(served, follow):
    old, host = worker(served), follow(served.run)
    host.hears(old)
    call = host.begin(delay=1000)
    assert served.terminate() == 0
    assert host.result(call) == old
    gone = host.until(lambda line: line.get("what") == "UnregisterMessage")
    assert gone["draining"] == [old]
    assert host.call().startswith("NotFoundError")
    assert not (served.run / "registry.sock").exists()


def test_a_plugin_cannot_pose_as_a_host(controller, follow):
    controller.install("poses_as_host")
    entry = {"env": [{"name": "ZOO_SOCKET", "value": str(controller.run / "registry.sock")}]}
    controller.configure({"poses_as_host": entry})
    controller.start()
    controller.until_served("poses_as_host")
    controller.until(lambda _: controller.records("host refused"))
    assert "a plugin may not pose as a host" in controller.records("host refused")[0]["why"]
    logs = controller.plugin("poses_as_host")["logs"]
    assert any("hung up on" in str(line) for line in logs), logs
