"""Whatever happens to the API server and on the way to it, plugins are undisturbed and all is caught up afterwards."""

import os
import random
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from tests.cluster.cluster_mode import ACCOUNT, RIGHTS, ClusterMode, cluster_mode_in
from tests.cluster.control_plane import ControlPlane
from tests.cluster.cut import Wire
from tests.cluster.edits import edited
from tests.cluster.namespace import Namespace
from tests.cluster.recovery import caught_up, follows, stale
from tests.cluster.replica import ACCOUNT as AGGREGATOR
from tests.cluster.replica import Replica, grant
from tests.cluster.skew import Clock

MINUTE = 60.0
pytestmark = pytest.mark.slow


@pytest.fixture
def serving(namespace: Namespace, wire: Wire, aggregator: Replica, tmp_path: Path) -> Iterator[ClusterMode]:
    """A controller at the near end of a wire, whose plugins serve, as the summary says."""
    with cluster_mode_in(namespace, tmp_path) as made:
        made.install("good")
        made.install("good", "other")
        made.via(wire.address)
        made.configure({"good": {}})
        made.start()
        made.until_state("good", "Serving")
        made.until_state("other", "Serving")
        caught_up(made, 1)
        yield made
        assert not [record for record in made.records() if record["level"] == "error"]


@pytest.fixture
def undisturbed(serving: ClusterMode) -> Iterator[ClusterMode]:
    """One whose plugin must be served by the same process to the end."""
    pids = serving.pids("good")
    yield serving
    assert serving.pids("good") == pids


def test_an_api_server_that_is_killed_and_comes_back(undisturbed: ClusterMode, control_plane: ControlPlane):
    control_plane.kill()
    undisturbed.crash("other")
    stale(undisturbed, "True")
    undisturbed.until_plugin("other", lambda each: each["workers"]["ready"] == 1)
    assert undisturbed.http("/readyz")[0] == 200
    control_plane.start()
    undisturbed.flag("other", workers=2)
    caught_up(undisturbed, 2)


def test_a_network_that_is_gone_for_a_while(undisturbed: ClusterMode, wire: Wire):
    wire.refuse()
    stale(undisturbed, "True")
    undisturbed.flag("other", workers=2)
    wire.mend()
    caught_up(undisturbed, 2)


def test_a_watch_that_is_cut_again_and_again(undisturbed: ClusterMode, wire: Wire):
    dice = random.Random(7)
    for workers in (1, 2, 3, 1, 2, 3, 2, 1, 2, 3) * 2:
        undisturbed.flag("other", workers=workers)
        time.sleep(dice.uniform(0, 0.3))  # the chance is the test
        wire.cut()
    caught_up(undisturbed, 3)


def test_a_config_that_is_made_anew_while_nobody_looks(undisturbed: ClusterMode, wire: Wire):
    before = undisturbed.status()["config"]["uid"]
    wire.refuse()
    undisturbed.delete_config()
    undisturbed.configure({"good": {}, "other": {"workers": 2}})
    wire.mend()
    caught_up(undisturbed, 2)
    assert undisturbed.status()["config"]["uid"] != before


def test_a_config_that_is_deleted_while_nobody_looks(undisturbed: ClusterMode, wire: Wire):
    wire.refuse()
    undisturbed.delete_config()
    wire.mend()
    undisturbed.until_condition("ConfigMissing", status="True")
    undisturbed.configure({"good": {}, "other": {"workers": 2}})
    caught_up(undisturbed, 2)


def test_a_history_that_is_compacted_while_nobody_looks(
    undisturbed: ClusterMode, wire: Wire, control_plane: ControlPlane
):
    wire.refuse()
    for workers in (2, 3, 2):
        undisturbed.flag("other", workers=workers)
    control_plane.compact()
    control_plane.restart()
    wire.mend()
    caught_up(undisturbed, 2)


def test_a_minute_without_rights(
    undisturbed: ClusterMode, aggregator: Replica, wire: Wire, control_plane: ControlPlane
):
    namespace = undisturbed.namespace
    began = time.monotonic()
    for each in (ACCOUNT, AGGREGATOR):
        namespace.revoke(each)
    wire.cut()
    assert "403 pluginconfigs.pluginmgr.dev" in stale(undisturbed, "True")["message"]
    undisturbed.flag("other", workers=2)
    undisturbed.crash("other")
    undisturbed.until(lambda _: time.monotonic() - began > MINUTE, 2 * MINUTE)
    stale(undisturbed, "True")
    refused = {
        each: sum(request.code == 403 for request in control_plane.audit.requests(namespace.user(each)))
        for each in (ACCOUNT, AGGREGATOR)
    }
    print(f"refused within a minute: {refused}")
    assert 0 < refused[ACCOUNT] < MINUTE
    assert 0 < refused[AGGREGATOR] < 3 * MINUTE  # a lease, two collections, Pods: none is asked for each second
    assert aggregator.records("lease lost")
    namespace.kubectl("apply", "--server-side", "--filename", str(RIGHTS))
    grant(namespace)
    caught_up(undisturbed, 2)


def test_a_definition_that_is_deleted_and_made_again(undisturbed: ClusterMode):
    cluster = undisturbed.namespace.cluster
    cluster.remove_crd("pluginconfigs")
    undisturbed.until_condition("ConfigMissing", status="True")
    cluster.install_crds()
    undisturbed.configure({"good": {}, "other": {"workers": 2}})
    caught_up(undisturbed, 2)
    undisturbed.until_condition("ConfigMissing", status="False")


def test_a_token_that_is_replaced(undisturbed: ClusterMode, wire: Wire, control_plane: ControlPlane):
    namespace = undisturbed.namespace
    old = undisturbed.token_volume.directory.joinpath("token").read_text()
    namespace.delete_pod(undisturbed.pod["metadata"]["name"])
    undisturbed.pod = namespace.pod("web-1", ACCOUNT)
    undisturbed.renew_token()
    ends = time.monotonic() + 60
    while namespace.cluster.status_of(undisturbed.path, token=old) != 401:
        assert time.monotonic() < ends
        time.sleep(0.2)
    wire.cut()
    undisturbed.flag("other", workers=2)
    follows(undisturbed, 2)  # the Pod that it tells of is no more


def test_a_restart_while_the_api_server_is_away(serving: ClusterMode, wire: Wire):
    serving.flag("other", workers=2)
    caught_up(serving, 2)
    wire.refuse()
    serving.terminate()
    serving.start()
    serving.until_state("good", "Serving")
    stale(serving, "True")
    wire.mend()
    serving.flag("other", workers=3)
    caught_up(serving, 3)


def test_edits_and_crashes_at_the_moment_of_the_kill(undisturbed: ClusterMode, control_plane: ControlPlane):
    with edited(undisturbed, "other") as edits:
        for _ in range(3):
            edits.until_accepted(5)
            undisturbed.until_plugin("other", lambda each: each["workers"]["ready"] > 0)
            control_plane.kill()
            undisturbed.crash("other")
            control_plane.start()
        edits.until_accepted(5)
    print(f"{edits.accepted} edits accepted, {edits.failed} failed")
    assert edits.failed
    caught_up(undisturbed, edits.last)


def test_outage_after_outage_leaves_nothing_behind(undisturbed: ClusterMode, wire: Wire, control_plane: ControlPlane):
    def left() -> dict[str, int]:
        process = Path(f"/proc/{undisturbed.running.pid}")
        resident = int((process / "statm").read_text().split()[1]) // 256  # MiB
        return {each: len(os.listdir(process / each)) for each in ("task", "fd")} | {"MiB": resident}

    def silent() -> None:
        wire.swallow()
        wire.cut()

    outages = {wire.refuse: wire.mend, silent: wire.mend, control_plane.kill: control_plane.start}
    lost, back = "the API server tells of no changes", "the API server is back"
    seen, workers = [left()], cycle((2, 1))
    for begin, end in [*outages.items()] * 2:
        told = len(undisturbed.records(lost))
        begin()
        undisturbed.until(lambda _, told=told: len(undisturbed.records(lost)) > told, 40)
        end()
        now = next(workers)
        undisturbed.flag("other", workers=now)
        caught_up(undisturbed, now)
        undisturbed.until(lambda _, told=told: len(undisturbed.records(back)) > told)
        seen.append(left())
    print(seen)
    for each in ("task", "fd"):
        undisturbed.until(lambda _, each=each: left()[each] <= seen[0][each] + 2)
    assert left()["MiB"] <= seen[len(outages)]["MiB"] + 2  # by then all that is ever imported is


def test_a_clock_that_is_hours_off_and_jumps(serving: ClusterMode, tmp_path: Path, wire: Wire):
    serving.terminate()
    clock = Clock(tmp_path / "skewed", -2)
    serving.env |= clock.environment
    serving.start()
    serving.until_state("good", "Serving")
    pids = serving.pids("good")
    for workers, hours in ((2, 2), (1, -2)):
        clock.set(hours)
        serving.flag("other", workers=workers)
        caught_up(serving, workers)
    wire.refuse()
    clock.set(2)
    stale(serving, "True")
    clock.set(-2)
    wire.mend()
    serving.flag("other", workers=2)
    caught_up(serving, 2)
    assert serving.pids("good") == pids


def test_an_api_server_that_is_silent(undisturbed: ClusterMode, wire: Wire):
    wire.swallow()
    undisturbed.flag("other", workers=2)
    wire.cut()
    stale(undisturbed, "True", 40)
    wire.mend()
    caught_up(undisturbed, 2)
