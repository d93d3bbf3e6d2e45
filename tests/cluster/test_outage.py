"""Whatever happens to the API server and on the way to it, plugins are undisturbed and all is caught up afterwards."""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster_mode import ACCOUNT, RIGHTS, ClusterMode, cluster_mode_in
from tests.cluster.control_plane import ControlPlane
from tests.cluster.cut import Wire, wire_to
from tests.cluster.namespace import Namespace
from tests.tools.build import ROOT

CONVERGED = 15.0  # seconds after the API server is back
SAID = 20.0  # seconds until trouble is shown, at most


@pytest.fixture
def wire(control_plane: ControlPlane) -> Iterator[Wire]:
    with wire_to(control_plane.address) as made:
        yield made


@pytest.fixture
def serving(namespace: Namespace, wire: Wire, tmp_path: Path) -> Iterator[ClusterMode]:
    """A controller at the near end of a wire, whose plugins serve."""
    with cluster_mode_in(namespace, tmp_path) as made:
        made.install("good")
        made.install("good", "other")
        made.via(wire.address)
        made.configure({"good": {}})
        made.start()
        made.until_state("good", "Serving")
        made.until_state("other", "Serving")
        yield made
        assert not [record for record in made.records() if record["level"] == "error"]


@pytest.fixture
def undisturbed(serving: ClusterMode) -> Iterator[ClusterMode]:
    """One whose plugin must be served by the same process to the end."""
    pids = serving.pids("good")
    yield serving
    assert serving.pids("good") == pids


def stale(mode: ClusterMode, status: str, deadline: float = SAID) -> None:
    """Wait until the controller says that its config is stale, or that it is not."""
    mode.until(
        lambda shape: [
            each for each in shape["conditions"] if (each["type"], each["status"]) == ("ConfigStale", status)
        ],
        deadline,
    )


def follows(mode: ClusterMode, workers: int) -> None:
    """The flag as it is now is in force soon."""
    began = time.monotonic()
    mode.until_plugin("other", lambda each: each["workers"]["ready"] == workers, CONVERGED)
    stale(mode, "False", CONVERGED)
    print(f"converged after {time.monotonic() - began:.1f} s")


def test_an_api_server_that_is_killed_and_comes_back(undisturbed: ClusterMode, control_plane: ControlPlane):
    control_plane.kill()
    undisturbed.crash("other")
    stale(undisturbed, "True")
    undisturbed.until_plugin("other", lambda each: each["workers"]["ready"] == 1)
    assert undisturbed.http("/readyz")[0] == 200
    control_plane.start()
    undisturbed.flag("other", workers=2)
    follows(undisturbed, 2)


def test_a_network_that_is_gone_for_a_while(undisturbed: ClusterMode, wire: Wire):
    wire.refuse()
    stale(undisturbed, "True")
    undisturbed.flag("other", workers=2)
    wire.mend()
    follows(undisturbed, 2)


def test_a_watch_that_is_cut_again_and_again(undisturbed: ClusterMode, wire: Wire):
    dice = random.Random(7)
    for workers in (1, 2, 3, 1, 2, 3, 2, 1, 2, 3) * 2:
        undisturbed.flag("other", workers=workers)
        time.sleep(dice.uniform(0, 0.3))  # the chance is the test
        wire.cut()
    follows(undisturbed, 3)


def test_a_config_that_is_made_anew_while_nobody_looks(undisturbed: ClusterMode, wire: Wire):
    before = undisturbed.status()["config"]["uid"]
    wire.refuse()
    undisturbed.delete_config()
    undisturbed.configure({"good": {}, "other": {"workers": 2}})
    wire.mend()
    follows(undisturbed, 2)
    assert undisturbed.status()["config"]["uid"] != before


def test_a_config_that_is_deleted_while_nobody_looks(undisturbed: ClusterMode, wire: Wire):
    wire.refuse()
    undisturbed.delete_config()
    wire.mend()
    undisturbed.until_condition("ConfigMissing", status="True")
    undisturbed.configure({"good": {}, "other": {"workers": 2}})
    follows(undisturbed, 2)


def test_a_history_that_is_compacted_while_nobody_looks(
    undisturbed: ClusterMode, wire: Wire, control_plane: ControlPlane
):
    wire.refuse()
    for workers in (2, 3, 2):
        undisturbed.flag("other", workers=workers)
    control_plane.compact()
    control_plane.restart()
    wire.mend()
    follows(undisturbed, 2)


def test_rights_that_are_taken_away_for_a_while(undisturbed: ClusterMode, wire: Wire):
    undisturbed.namespace.revoke(ACCOUNT)
    wire.cut()
    stale(undisturbed, "True")
    (said,) = [each for each in undisturbed.status()["conditions"] if each["type"] == "ConfigStale"]
    assert "403 pluginconfigs.pluginmgr.dev" in said["message"]
    undisturbed.flag("other", workers=2)
    undisturbed.namespace.kubectl("apply", "--server-side", "--filename", str(RIGHTS))
    follows(undisturbed, 2)


def test_a_definition_that_is_deleted_and_made_again(undisturbed: ClusterMode):
    cluster = undisturbed.namespace.cluster
    cluster.remove_crd("pluginconfigs")
    undisturbed.until_condition("ConfigMissing", status="True")
    cluster.install_crds()
    undisturbed.configure({"good": {}, "other": {"workers": 2}})
    follows(undisturbed, 2)
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
    follows(undisturbed, 2)


def test_a_restart_while_the_api_server_is_away(serving: ClusterMode, wire: Wire):
    serving.flag("other", workers=2)
    follows(serving, 2)
    wire.refuse()
    serving.terminate()
    serving.start()
    serving.until_state("good", "Serving")
    stale(serving, "True")
    wire.mend()
    serving.flag("other", workers=3)
    follows(serving, 3)


def test_outage_after_outage_leaves_nothing_behind(undisturbed: ClusterMode, wire: Wire):
    def left() -> dict[str, int]:
        process = Path(f"/proc/{undisturbed.running.pid}")
        return {each: len(os.listdir(process / each)) for each in ("task", "fd")}

    lost = "the API server tells of no changes"
    before = left()
    for number in range(6):
        wire.refuse()
        undisturbed.until(lambda _, number=number: len(undisturbed.records(lost)) > number)
        undisturbed.flag("other", workers=1 + number % 2)
        wire.mend()
        follows(undisturbed, 1 + number % 2)
        undisturbed.until(lambda _, number=number: len(undisturbed.records("the API server is back")) > number)
    undisturbed.until(lambda _: all(left()[each] <= before[each] + 2 for each in before))


def test_a_clock_that_is_hours_off(serving: ClusterMode, tmp_path: Path, wire: Wire):
    serving.terminate()
    skewed = tmp_path / "skewed"
    skewed.mkdir()
    (skewed / "sitecustomize.py").write_text("import time\nreal = time.time\ntime.time = lambda: real() - 7200\n")
    serving.env["PYTHONPATH"] = os.pathsep.join([str(skewed), str(ROOT), os.environ.get("PYTHONPATH", "")])
    serving.start()
    serving.until_state("good", "Serving")
    wire.refuse()
    stale(serving, "True")
    wire.mend()
    serving.flag("other", workers=2)
    follows(serving, 2)


def test_an_api_server_that_is_silent(undisturbed: ClusterMode, wire: Wire):
    wire.swallow()
    undisturbed.flag("other", workers=2)
    wire.cut()
    stale(undisturbed, "True", 40)
    wire.mend()
    follows(undisturbed, 2)
