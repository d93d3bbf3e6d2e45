"""The whole way: a flag is edited, real sidecars of several pods take it over and report, the summary says so."""

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster_mode import ClusterMode, cluster_mode_in
from tests.cluster.namespace import Namespace
from tests.cluster.replica import Replica

ROUNDS = 6
BUDGET = 4.0
pytestmark = pytest.mark.slow


@pytest.fixture
def pods(namespace: Namespace, tmp_path: Path, aggregator: Replica) -> Iterator[list[ClusterMode]]:
    """Two sidecars that follow one PluginConfig, and whose plugins serve."""
    with (
        cluster_mode_in(namespace, tmp_path / "0", "web-0") as one,
        cluster_mode_in(namespace, tmp_path / "1", "web-1") as two,
    ):
        for each in (one, two):
            each.install("good")
        one.configure({"good": {}})
        for each in (one, two):
            each.start()
        until(one, lambda status: status["ready"] == "2/2" and not status["pods"]["outdated"])
        yield [one, two]


def until(pod: ClusterMode, fits: Callable[[dict], object], deadline: float = 30.0) -> dict:
    """The PluginConfig's status once it fits."""
    found = pod.namespace.cluster.until(
        pod.path, lambda each: "pods" in each.get("status", {}) and fits(each["status"]), deadline
    )
    status: dict = found["status"]
    return status


def test_the_summary_follows_a_flag_within_its_budget(pods: list[ClusterMode]) -> None:
    taken = []
    for turn in range(ROUNDS):
        began = time.monotonic()
        pods[0].flag("good", enabled=turn % 2 > 0)
        ready = 2 * (turn % 2)
        until(
            pods[0],
            lambda status, ready=ready: status["plugins"][0]["ready"] == ready and not status["pods"]["outdated"],
        )
        taken.append(time.monotonic() - began)
    print(f"summed up after {statistics.median(taken):.2f} s in the median, {max(taken):.2f} s at most")
    assert statistics.median(taken) < BUDGET
    assert max(taken) < 2 * BUDGET


def test_a_pod_whose_plugin_fails_is_named_and_kubectl_waits_for_it(pods: list[ClusterMode]) -> None:
    namespace = pods[0].namespace
    pods[1].install("exits_at_once")
    pods[0].configure({"good": {}, "exits_at_once": {}})
    status = until(pods[0], lambda status: any(each["reason"] == "CrashLoop" for each in status["failures"]), 40.0)
    (sample,) = [each for each in status["failures"] if each["reason"] == "CrashLoop"]
    assert (sample["pod"], sample["name"]) == ("web-1", "exits_at_once")
    shown = namespace.kubectl("get", "plc").stdout
    assert "PodsFailed" in shown
    pods[0].configure({"good": {}, "exits_at_once": {"enabled": False}})
    namespace.kubectl("wait", "--for=condition=Ready", f"plc/{pods[0].name}", "--timeout=30s")


def test_a_pod_that_is_gone_is_counted_no_more(pods: list[ClusterMode]) -> None:
    pods[1].terminate()
    until(pods[0], lambda status: status["ready"] == "1/1")  # its last word was that it shuts down
    pods[1].namespace.delete_pod("web-1")
    ends = time.monotonic() + 30.0
    while pods[1].namespace.find(pods[1].status_path) is not None:
        assert time.monotonic() < ends
        time.sleep(0.05)
