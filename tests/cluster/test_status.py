"""What a whole controller tells the cluster about its pod."""

import os
import re
import signal
import statistics
import time

import pytest

from controller.testing.answers import DEADLINE
from tests.cluster.api import Object
from tests.cluster.cluster_mode import ClusterMode
from tests.cluster.control_plane import ControlPlane
from tests.cluster.cut import Wire

ROUNDS = 10
BUDGET = 1.5
SENT = re.compile(
    r'^pluginmgr_api_requests_total{code="20.",resource="pluginpodstatuses",verb="patch"} (.*)$', re.MULTILINE
)


@pytest.fixture
def serving(cluster_mode: ClusterMode) -> ClusterMode:
    """One whose plugin serves, as it has told."""
    cluster_mode.install("good")
    cluster_mode.configure({"good": {}})
    cluster_mode.start()
    cluster_mode.until_told(lambda status: status["ready"] and status["summary"] == "1/1")
    return cluster_mode


def events(mode: ClusterMode) -> list[Object]:
    path = mode.namespace.path("/apis/events.k8s.io/v1", "events")
    found: list[Object] = mode.namespace.cluster.api("GET", path)["items"]
    return found


def writes(plane: ControlPlane, mode: ClusterMode) -> int:
    """Those of its status that it has made."""
    user = mode.namespace.user("pluginmgr-sidecar")
    return sum(each.resource == "pluginpodstatuses" and each.verb == "patch" for each in plane.audit.requests(user))


def quiet(plane: ControlPlane, mode: ClusterMode) -> int:
    """How many writes there were, once all of what it has to say is written and in the audit log."""
    ends = time.monotonic() + DEADLINE
    while True:
        sent = sum(map(float, SENT.findall(mode.http("/metrics")[1])))
        said = mode.namespace.find(mode.status_path)
        if said is not None and said["status"] == told_here(mode) and writes(plane, mode) == sent:
            return int(sent)
        assert time.monotonic() < ends, (sent, writes(plane, mode), said)
        time.sleep(0.1)


def test_the_object_says_what_the_socket_says(serving: ClusterMode):
    told = serving.until_told(lambda status: status == told_here(serving))
    assert told["status"]["config"] == {
        "name": "plugins",
        "uid": serving.namespace.find(serving.path)["metadata"]["uid"],
    }
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "web-0", "uid": serving.pod["metadata"]["uid"]}
    assert told["metadata"]["ownerReferences"] == [owner]


def told_here(mode: ClusterMode) -> Object:
    status: Object = mode.status()
    for plugin in status["plugins"]:
        del plugin["processes"]
    return status


def test_a_flag_is_told_within_its_budget(serving: ClusterMode):
    taken = []
    for turn in range(ROUNDS):
        began = time.monotonic()
        serving.flag("good", enabled=turn % 2 > 0)
        state = "Serving" if turn % 2 else "Disabled"
        serving.until_told(lambda status, state=state: status["plugins"][0]["state"] == state)
        taken.append(time.monotonic() - began)
    print(f"told after {statistics.median(taken):.2f} s in the median, {max(taken):.2f} s at most")
    assert statistics.median(taken) < BUDGET


def test_an_edit_that_changes_no_plugin_is_told_too(serving: ClusterMode):
    """Or the pod would be outdated for ever."""
    spec = serving.spec()
    serving.write_config(
        spec
        | {
            "kinds": [
                spec["kinds"][0] | {"plugins": spec["kinds"][0]["plugins"] + [{"name": "gone", "enabled": False}]}
            ]
        }
    )
    serving.write_config(spec)
    generation = serving.namespace.find(serving.path)["metadata"]["generation"]
    serving.until_told(lambda status: status["observedGeneration"] == generation)


def test_while_nothing_changes_nothing_is_written(serving: ClusterMode, control_plane: ControlPlane):
    serving.until_told(
        lambda status: all(each["type"] != "Ready" or each["status"] == "True" for each in status["conditions"])
    )
    before = quiet(control_plane, serving)
    time.sleep(5)  # the time in which nothing may be written
    assert writes(control_plane, serving) == before
    assert before <= 6


def test_a_crash_is_an_event_of_the_pod(serving: ClusterMode):
    os.kill(serving.pids("good")[0], signal.SIGKILL)
    ends = time.monotonic() + DEADLINE
    while not (found := [each for each in events(serving) if each["reason"] == "Killed"]):
        assert time.monotonic() < ends, events(serving)
        time.sleep(0.1)
    assert found[0]["note"].startswith("zoo/good: ")
    assert found[0]["regarding"]["uid"] == serving.pod["metadata"]["uid"]
    assert "Killed" in serving.namespace.kubectl("describe", "pod", "web-0").stdout


def test_its_requests_are_counted(serving: ClusterMode):
    _, text = serving.http("/metrics")
    assert 'pluginmgr_api_requests_total{code="201",resource="pluginpodstatuses",verb="patch"} 1.0' in text
    assert 'pluginmgr_status_write_failures_total{place="object"} 0.0' in text


def test_its_last_word_is_that_it_shuts_down(serving: ClusterMode):
    assert serving.terminate() == 0
    status = serving.namespace.find(serving.status_path)["status"]
    assert status["ready"] is False
    assert status["conditions"][0]["reason"] == "ShuttingDown"
    assert status["plugins"][0]["workers"]["ready"] == 0


def test_an_api_server_that_is_silent_delays_the_end_by_a_second_at_most(cluster_mode: ClusterMode, wire: Wire):
    cluster_mode.install("good")
    cluster_mode.configure({"good": {}})
    cluster_mode.via(wire.address)
    cluster_mode.start()
    cluster_mode.until_told(lambda status: status["ready"])
    wire.swallow()
    began = time.monotonic()
    assert cluster_mode.terminate() == 0
    taken = time.monotonic() - began
    print(f"ended after {taken:.2f} s")
    assert taken < 4
    assert "not written in time" in cluster_mode.tail(400)


def test_an_object_that_was_deleted_comes_back_with_the_next_change(serving: ClusterMode):
    serving.namespace.cluster.api("DELETE", serving.status_path)
    serving.flag("good", enabled=False)
    serving.until_told(lambda status: status["plugins"][0]["state"] == "Disabled")


def test_an_outage_is_survived_and_its_end_is_told(serving: ClusterMode, control_plane: ControlPlane):
    control_plane.kill()
    os.kill(serving.pids("good")[0], signal.SIGKILL)
    serving.until_condition("ApiUnreachable", status="True")
    assert serving.tail(400).count("cannot write the status") == 1
    control_plane.start()
    began = time.monotonic()
    serving.until_told(
        lambda status: (
            status["plugins"][0]["restarts"] == 1
            and status["ready"]
            and next(each for each in status["conditions"] if each["type"] == "ApiUnreachable")["status"] == "False"
        )
    )
    taken = time.monotonic() - began
    print(f"told {taken:.1f} s after the API server was back")
    assert taken < 15
    assert "the status is written again" in serving.tail(400)
