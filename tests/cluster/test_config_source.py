"""What is said to the API server reaches the plugins of a controller that runs as in a pod."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster_mode import ACCOUNT, ClusterMode, cluster_mode_in
from tests.cluster.namespace import Namespace


@pytest.fixture
def sidecar(namespace: Namespace, tmp_path: Path) -> Iterator[ClusterMode]:
    """Not started yet; `good` is on its volume."""
    with cluster_mode_in(namespace, tmp_path) as made:
        made.install("good")
        yield made


@pytest.fixture
def serving(sidecar: ClusterMode) -> ClusterMode:
    """One whose plugin serves."""
    sidecar.configure({"good": {"workers": 1}})
    sidecar.start()
    sidecar.until_state("good", "Serving")
    return sidecar


def test_a_deleted_config_is_said_to_be_missing_and_its_successor_followed(serving: ClusterMode):
    pids, before = serving.pids("good"), serving.status()["config"]["uid"]
    serving.delete_config()
    serving.until_condition("ConfigMissing", status="True")
    assert serving.pids("good") == pids
    serving.configure({"good": {"workers": 2}})
    serving.until_plugin("good", lambda each: each["workers"]["ready"] == 2)
    serving.until_condition("ConfigMissing", status="False")
    assert serving.status()["config"]["uid"] != before
    assert set(pids) <= set(serving.pids("good"))


def test_a_start_without_a_config_is_not_ready_until_there_is_one(sidecar: ClusterMode):
    sidecar.start()
    sidecar.until_condition("ConfigMissing", status="True")
    assert sidecar.http("/readyz")[0] == 503
    sidecar.configure({"good": {"required": True}})
    sidecar.until_state("good", "Serving")
    assert sidecar.http("/readyz")[0] == 200


def test_a_required_plugin_that_has_not_served_keeps_the_pod_from_being_ready(sidecar: ClusterMode):
    sidecar.configure({"good": {}, "late": {"required": True}})
    sidecar.start()
    sidecar.until_state("good", "Serving")
    status, why = sidecar.http("/readyz?verbose")
    assert status == 503
    assert "late" in why
    sidecar.install("good", "late")
    sidecar.until_state("late", "Serving")
    assert sidecar.http("/readyz")[0] == 200


def test_rights_on_the_one_object_are_enough(sidecar: ClusterMode):
    namespace = sidecar.namespace
    namespace.revoke(ACCOUNT)
    rule = {"apiGroups": ["pluginmgr.dev"], "resources": ["pluginconfigs"], "verbs": ["list", "watch"]}
    namespace.grant(ACCOUNT, rule | {"resourceNames": [sidecar.name]}, role="one-object")
    sidecar.configure({"good": {}})
    sidecar.start()
    sidecar.until_state("good", "Serving")
    sidecar.flag("good", enabled=False)
    sidecar.until_state("good", "Disabled")
    sidecar.until_condition("ConfigStale", status="False")


def test_the_end_of_the_controller_leaves_nothing(serving: ClusterMode):
    before = time.monotonic()
    assert serving.terminate() == 0
    assert time.monotonic() - before < 5
    assert serving.leftovers() == []
    assert not [record for record in serving.records() if record["level"] == "error"]


def test_a_pod_without_credentials_says_what_is_missing(sidecar: ClusterMode):
    (sidecar.token_volume.directory / "token").unlink()
    code, said = sidecar.start_failing()
    assert code == 2
    assert "is its token mounted into this container?" in said
