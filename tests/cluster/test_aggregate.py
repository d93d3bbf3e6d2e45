"""`pluginmgr aggregate` on a real API server: the summary is right, and soon, and not written without need."""

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.kube.collector import GRACE, PERIOD
from tests.cluster.api import APPLY, Object
from tests.cluster.control_plane import ControlPlane
from tests.cluster.cut import Wire
from tests.cluster.namespace import Namespace
from tests.cluster.replica import LEASE, Replica, aggregator_account
from tests.cluster.skew import Clock
from tests.kube.reported import disabled, failing, plugin, pod_status

SPEC = {"kinds": [{"name": "rule", "adapter": "rule"}]}
OTHER_SPEC = {"kinds": [{"name": "rule", "adapter": "rule"}], "paused": True}
SOON = 4.0  # seconds from a pod's word to the summary
RECOVERED = 15.0

Make = Callable[..., Replica]


@pytest.fixture
def replica(namespace: Namespace, tmp_path: Path) -> Iterator[Make]:
    """`replica("a")`: one more, started."""
    aggregator_account(namespace)
    made: list[Replica] = []

    def make(name: str = "a", **options: Any) -> Replica:
        made.append(Replica(namespace, tmp_path / name, name, **options))
        return made[-1].start()

    yield make
    for each in made:
        each.kill()
        print(f"--- {each.name}\n{each.log.read_text()}")  # shown if the test fails


class Pods:
    """Pods that report, as their sidecars would."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.configs: dict[str, str] = {}

    def follow(self, config: str) -> Object:
        """Make a PluginConfig."""
        made = self.namespace.config(config, SPEC)
        self.configs[config] = made["metadata"]["uid"]
        return made

    def start(self, name: str) -> str:
        """Make a Pod; its uid."""
        uid: str = self.namespace.pod(name)["metadata"]["uid"]
        return uid

    def say(self, name: str, *plugins: Mapping[str, Any], config: str = "rules", owner: str = "", **words: Any) -> None:
        """Let a pod write its status."""
        uid = self.configs.get(config, "")
        body = pod_status(name, *plugins, config=config, config_uid=uid, owner=owner, **words)
        for server_given in ("uid", "resourceVersion"):
            del body["metadata"][server_given]
        path = self.namespace.ours(f"pluginpodstatuses/{name}")
        text = json.dumps(body, ensure_ascii=False).encode()  # YAML, to the API server, which knows no surrogate pairs
        self.namespace.cluster.api(
            "PATCH", path, text, content_type=APPLY, fieldManager="pluginmgr-sidecar", force="true"
        )


@pytest.fixture
def pods(namespace: Namespace) -> Pods:
    made = Pods(namespace)
    made.follow("rules")
    return made


def summary_of(namespace: Namespace, fits: Callable[[Object], object], config="rules", deadline=30.0) -> Object:
    """The config once its status is there and fits."""
    path = namespace.ours(f"pluginconfigs/{config}")
    return namespace.cluster.until(path, lambda each: each.get("status") and fits(each["status"]), deadline)


def writes(namespace: Namespace, config: str = "rules") -> str:
    """What changes with each write of the object."""
    found = namespace.find(namespace.ours(f"pluginconfigs/{config}"))
    assert found is not None
    version: str = found["metadata"]["resourceVersion"]
    return version


def test_pods_are_counted_and_the_summary_follows_within_four_seconds(
    namespace: Namespace, pods: Pods, replica: Make
) -> None:
    one = replica()
    summary_of(namespace, lambda status: status["ready"] == "0/0")
    for name in ("web-0", "web-1"):
        pods.say(name, plugin("x"), plugin("y"), owner=pods.start(name))
    summary_of(namespace, lambda status: status["ready"] == "2/2")
    namespace.kubectl("wait", "--for=condition=Ready", "plc/rules", "--timeout=5s")
    began = time.monotonic()
    pods.say("web-1", plugin("x"), failing("y", message="a fire 🔥"))
    found = summary_of(namespace, lambda status: status["pods"]["failed"] == 1)
    took = time.monotonic() - began
    print(f"{took:.2f} s from the pod's word to the summary")
    assert took < SOON
    assert found["status"]["failures"] == [
        {"pod": "web-1", "kind": "rule", "name": "y", "reason": "CrashLoop", "message": "a fire 🔥"}
    ]
    assert one.ask("/readyz") == (200, "ok\n")
    assert one.ask("/livez") == (200, "ok\n")


def test_ready_is_not_to_be_had_before_every_pod_has_taken_over_an_edit(
    namespace: Namespace, pods: Pods, replica: Make
) -> None:
    owner = pods.start("web-0")
    pods.say("web-0", plugin("x"), owner=owner)
    replica()
    summary_of(namespace, lambda status: status["ready"] == "1/1")
    namespace.config("rules", OTHER_SPEC)
    waiting = namespace.kubectl("wait", "--for=condition=Ready", "plc/rules", "--timeout=1s", check=False)
    assert waiting.returncode != 0  # by the generation that the condition was decided for
    outdated = summary_of(namespace, lambda status: status["pods"]["outdated"] == 1)["status"]
    assert outdated["observedGeneration"] == 2
    pods.say("web-0", plugin("x"), owner=owner, generation=2)
    namespace.kubectl("wait", "--for=condition=Ready", "plc/rules", "--timeout=20s")


def test_without_a_change_nothing_is_written_after_a_restart_either(
    namespace: Namespace, pods: Pods, replica: Make
) -> None:
    for number in range(3):
        pods.say(f"web-{number}", plugin("x"), disabled("y"), failing("z"), owner=pods.start(f"web-{number}"))
    one = replica()
    summary_of(namespace, lambda status: status["pods"]["total"] == 3)
    written = writes(namespace)
    assert one.terminate() == 0
    two = replica("b")
    two.until(lambda: two.metric("pluginmgr_aggregator_leader"))
    pods.say("web-0", plugin("x"), disabled("y"), failing("z"), generation=1)  # as it was
    namespace.kubectl("annotate", "pps/web-1", "seen=yes")
    quiet = time.monotonic() + 6.0
    two.until(lambda: time.monotonic() > quiet)
    assert writes(namespace) == written
    assert two.metric("pluginmgr_summary_writes_total") == 0


def test_each_config_has_the_summary_of_its_own_pods(namespace: Namespace, pods: Pods, replica: Make) -> None:
    pods.follow("others")
    pods.say("web-0", plugin("x"), owner=pods.start("web-0"))
    pods.say("web-1", plugin("x"), owner=pods.start("web-1"), config="others")
    pods.say("web-2", failing("x"), owner=pods.start("web-2"), config="others")
    replica()
    summary_of(namespace, lambda status: status["ready"] == "1/1")
    summary_of(namespace, lambda status: status["ready"] == "1/2", config="others")
    pods.say("web-2", plugin("x"), config="rules")
    summary_of(namespace, lambda status: status["ready"] == "2/2")
    summary_of(namespace, lambda status: status["ready"] == "1/1", config="others")


def test_a_config_made_again_under_its_name_is_followed_by_nobody_yet(
    namespace: Namespace, pods: Pods, replica: Make
) -> None:
    pods.say("web-0", plugin("x"), owner=pods.start("web-0"))
    replica()
    summary_of(namespace, lambda status: status["ready"] == "1/1")
    namespace.cluster.api("DELETE", namespace.ours("pluginconfigs/rules"))
    pods.follow("rules")
    summary_of(namespace, lambda status: status["pods"]["outdated"] == 1)
    pods.say("web-0", plugin("x"))
    summary_of(namespace, lambda status: status["pods"]["outdated"] == 0)


def test_stale_statuses_go_and_others_stay(namespace: Namespace, pods: Pods, replica: Make) -> None:
    for name in ("gone", "done", "evicted", "again", "lives"):
        pods.say(name, plugin("x"), owner=pods.start(name))
    pods.say("orphan", plugin("x"))
    pods.start("unowned")
    pods.say("unowned", plugin("x"))
    one = replica()
    summary_of(namespace, lambda status: status["pods"]["total"] == 7)
    namespace.delete_pod("gone")
    namespace.finish("done", "Succeeded")
    namespace.finish("evicted", "Failed")
    namespace.delete_pod("again")
    pods.start("again")
    summary_of(namespace, lambda status: status["pods"]["total"] == 2, deadline=40.0)
    items = namespace.cluster.api("GET", namespace.ours("pluginpodstatuses"))["items"]
    assert {each["metadata"]["name"] for each in items} == {"lives", "unowned"}
    one.until(lambda: one.metric("pluginmgr_statuses_collected_total") == 5)


# --- two replicas


def holder(namespace: Namespace) -> str:
    """The name of the replica that the lease says to lead, empty if none does."""
    found = namespace.find(namespace.path("/apis/coordination.k8s.io/v1", f"leases/{LEASE}"))
    name: str = found["spec"].get("holderIdentity", "").partition("_")[0] if found else ""
    return name


def renewed(namespace: Namespace) -> str:
    """When the holder of the lease says that it renewed it."""
    found = namespace.find(namespace.path("/apis/coordination.k8s.io/v1", f"leases/{LEASE}"))
    time_: str = found["spec"]["renewTime"] if found else ""
    return time_


def test_the_one_that_ends_hands_over_at_once(namespace: Namespace, pods: Pods, replica: Make) -> None:
    one = replica("a")
    one.until(lambda: holder(namespace) == "a")
    two = replica("b")
    two.until(lambda: two.ask("/readyz")[0] == 200)  # also while it only waits
    began = time.monotonic()
    assert one.terminate() == 0
    ended = time.monotonic() - began
    two.until(lambda: holder(namespace) == "b")
    print(f"ended after {ended:.2f} s, taken over after {time.monotonic() - began:.2f} s")
    assert ended < 2.0
    assert time.monotonic() - began < 5.0
    pods.say("web-0", plugin("x"), owner=pods.start("web-0"))
    summary_of(namespace, lambda status: status["ready"] == "1/1")


def test_one_that_is_killed_is_replaced_when_its_lease_is_over(namespace: Namespace, pods: Pods, replica: Make) -> None:
    one = replica("a")
    one.until(lambda: holder(namespace) == "a")
    two = replica("b")
    two.until(lambda: two.ask("/readyz")[0] == 200)
    began = time.monotonic()
    one.kill()
    two.until(lambda: holder(namespace) == "b")
    took = time.monotonic() - began
    print(f"taken over {took:.1f} s after the kill")
    assert 8.0 < took < 20.0
    pods.say("web-0", plugin("x"), owner=pods.start("web-0"))
    summary_of(namespace, lambda status: status["ready"] == "1/1")


def test_one_that_was_held_up_does_not_write_when_it_goes_on(namespace: Namespace, pods: Pods, replica: Make) -> None:
    one = replica("a")
    one.until(lambda: holder(namespace) == "a")
    two = replica("b")
    two.until(lambda: two.ask("/readyz")[0] == 200)
    summary_of(namespace, lambda status: status["ready"] == "0/0")
    one.signal(signal.SIGSTOP)
    two.until(lambda: holder(namespace) == "b")
    pods.say("web-0", plugin("x"), owner=pods.start("web-0"))
    summary_of(namespace, lambda status: status["ready"] == "1/1")
    one.signal(signal.SIGCONT)
    one.until(lambda: one.records("lease lost"))
    one.until(lambda: one.metric('pluginmgr_config_pods{config="rules",state="ready"}') == 1.0)
    assert holder(namespace) == "b"
    assert one.metric("pluginmgr_summary_writes_total") == 1


# --- trouble


def test_the_summary_is_right_soon_after_the_api_server_is_back(
    namespace: Namespace, pods: Pods, replica: Make, control_plane: ControlPlane
) -> None:
    owner = pods.start("web-0")
    pods.say("web-0", plugin("x"), owner=owner)
    one = replica()
    summary_of(namespace, lambda status: status["ready"] == "1/1")
    control_plane.kill()
    one.until(lambda: one.records("collection does not answer"))
    assert one.ask("/livez")[0] == one.ask("/readyz")[0] == 200
    control_plane.start()
    pods.say("web-0", failing("x"), owner=owner)
    summary_of(namespace, lambda status: status["pods"]["failed"] == 1, deadline=RECOVERED)


def test_a_wire_that_is_cut_and_one_that_goes_deaf(namespace: Namespace, pods: Pods, replica: Make, wire: Wire) -> None:
    owner = pods.start("web-0")
    pods.say("web-0", plugin("x"), owner=owner)
    one = replica(server="https://{}:{}".format(*wire.address))
    summary_of(namespace, lambda status: status["ready"] == "1/1")
    for number in range(5):
        wire.cut()
        pods.say("web-0", failing("x", message=f"{number}"), owner=owner)
    pods.say("web-0", failing("x", "WrongCookie"), owner=owner)
    summary_of(namespace, lambda status: reasons(status) == ["WrongCookie"], deadline=RECOVERED)
    wire.swallow()
    pods.say("web-0", plugin("x"), owner=owner)
    one.until(lambda: one.metric('pluginmgr_watch_age_seconds{source="pluginpodstatuses"}') > 11.0)  # and given up
    wire.mend()
    summary_of(namespace, lambda status: status["ready"] == "1/1", deadline=RECOVERED)


def reasons(status: Mapping[str, Any]) -> list[str]:
    """Why the samples fail."""
    return [each["reason"] for each in status["failures"]]


def test_it_waits_for_crds_that_are_not_there_and_come_back(namespace: Namespace, pods: Pods, replica: Make) -> None:
    for crd in ("pluginconfigs", "pluginpodstatuses"):
        namespace.cluster.remove_crd(crd)
    one = replica()
    one.until(lambda: one.records("collection does not answer"))
    status, text = one.ask("/readyz")
    assert (status, "[-]pluginconfigs failed: not listed yet" in text) == (503, True)
    namespace.cluster.install_crds()
    pods.follow("rules")
    pods.say("web-0", plugin("x"), owner=pods.start("web-0"))
    summary_of(namespace, lambda status: status["ready"] == "1/1", deadline=RECOVERED + SOON)
    assert one.ask("/readyz")[0] == 200


def test_the_statuses_definition_deleted_and_made_again(namespace: Namespace, pods: Pods, replica: Make) -> None:
    owner = pods.start("web-0")
    pods.say("web-0", plugin("x"), owner=owner)
    replica()
    summary_of(namespace, lambda status: status["ready"] == "1/1")
    namespace.cluster.remove_crd("pluginpodstatuses")
    summary_of(namespace, lambda status: status["ready"] == "0/0", deadline=RECOVERED)
    namespace.cluster.install_crds()
    pods.say("web-0", plugin("x"), owner=owner)
    summary_of(namespace, lambda status: status["ready"] == "1/1", deadline=RECOVERED)


def test_a_clock_that_is_hours_off_neither_takes_the_lease_nor_deletes_statuses(
    namespace: Namespace, pods: Pods, replica: Make, tmp_path: Path
) -> None:
    pods.say("web-0", plugin("x"), owner=pods.start("web-0"))
    one = replica("a")
    one.until(lambda: holder(namespace) == "a")
    clock = Clock(tmp_path / "skewed", 2)
    two = replica("b", environment=clock.environment)
    two.until(lambda: two.ask("/readyz")[0] == 200)
    for _ in range(3):
        said = renewed(namespace)
        one.until(lambda said=said: renewed(namespace) != said)
    assert holder(namespace) == "a"
    assert one.terminate() == 0
    two.until(lambda: holder(namespace) == "b")
    pods.say("web-1", plugin("x"), owner=pods.start("web-1"))
    summary_of(namespace, lambda status: status["ready"] == "2/2")
    taken_at = time.monotonic()
    two.until(lambda: time.monotonic() - taken_at > GRACE + 2 * PERIOD)  # long enough to delete
    for pod in ("web-0", "web-1"):
        assert namespace.find(namespace.ours(f"pluginpodstatuses/{pod}"))


def test_connections_that_are_cut_again_and_again_leave_nothing_behind(
    namespace: Namespace, pods: Pods, replica: Make, wire: Wire
) -> None:
    owner = pods.start("web-0")
    pods.say("web-0", plugin("x"), owner=owner)
    one = replica(server="https://{}:{}".format(*wire.address))
    summary_of(namespace, lambda status: status["ready"] == "1/1")
    before = one.descriptors()
    for _ in range(30):
        wire.cut()
        accepted = wire.accepted
        one.until(lambda accepted=accepted: wire.accepted > accepted)
    pods.say("web-0", failing("x"), owner=owner)
    summary_of(namespace, lambda status: status["pods"]["failed"] == 1, deadline=RECOVERED)
    one.until(lambda: one.descriptors() <= before + 1)
