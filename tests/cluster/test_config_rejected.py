"""What the API server stores and the sidecar refuses: the last good config stays, and the pod says why."""

import copy
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from tests.cluster.api import MERGE, Object
from tests.cluster.cluster_mode import ClusterMode, cluster_mode_in
from tests.cluster.control_plane import ControlPlane
from tests.cluster.namespace import Namespace
from tests.cluster.other_crds import crd, install, later_crd, lax_crd
from tests.config.apart import OBJECTS
from tests.config.documents import document


def told(cluster_mode: ClusterMode) -> str:
    message: str = cluster_mode.until_condition("ConfigRejected", status="True", reason="ConfigRejected")["message"]
    return message


@pytest.fixture
def serving(cluster_mode: ClusterMode) -> ClusterMode:
    cluster_mode.install("good", "a")
    cluster_mode.configure({"a": {}})
    cluster_mode.start()
    cluster_mode.until_served("a")
    return cluster_mode


@pytest.mark.parametrize("name", OBJECTS)
def test_what_only_we_refuse_is_told_and_changes_nothing(name, serving: ClusterMode):
    (pid,) = serving.pids("a")
    good = serving.spec()
    refused = yaml.safe_load(document(name).read_text())["spec"]["kinds"][0]["plugins"]
    spec = copy.deepcopy(good)
    spec["kinds"].append({**good["kinds"][0], "name": "rule", "plugins": refused})
    spec["kinds"][1]["handshake"] = {"cookieKey": "BLINK_PLUGIN", "cookieValue": "x", "protocolVersions": [1]}
    serving.write_config(spec)
    assert "spec.kinds[rule].plugins[failed-login]" in told(serving)
    assert serving.pids("a") == [pid]
    serving.write_config(good)
    serving.until_condition("ConfigRejected", status="False")
    assert serving.pids("a") == [pid]


def test_an_adapter_that_is_not_installed_is_told(serving: ClusterMode):
    spec = serving.spec()
    spec["kinds"].append({"name": "x", "adapter": "nobody-has-it"})
    serving.write_config(spec)
    assert "spec.kinds[x].adapter: no adapter nobody-has-it is installed" in told(serving)


# --- another version of the CRD


@pytest.fixture
def elsewhere(spare_plane: ControlPlane, tmp_path: Path) -> Iterator[ClusterMode]:
    """A controller on an API server whose CRDs the test installs."""
    spare_plane.start()
    spare_plane.cluster.install_crds()
    namespace = Namespace(spare_plane.cluster, "test")
    namespace.create()
    with cluster_mode_in(namespace, tmp_path / "pod") as made:
        yield made


def probe(**spec: object) -> Object:
    about = {"apiVersion": "pluginmgr.dev/v1alpha1", "kind": "PluginConfig", "metadata": {"name": "probe"}}
    return about | {"spec": {"kinds": [], **spec}}


def test_what_got_in_before_a_rule_was_tightened_is_told_and_the_last_good_one_serves(elsewhere: ClusterMode):
    cluster = elsewhere.namespace.cluster
    few = probe(kinds=[{"name": "x", "adapter": "rule", "plugins": [{"name": "a", "workers": 0}]}])
    elsewhere.install("good", "a")
    elsewhere.configure({"a": {}})
    elsewhere.start()
    elsewhere.until_served("a")
    pids = elsewhere.pids("a")
    install(cluster, lax_crd(), few, is_taken=True)
    elsewhere.configure({"a": {"workers": 0}})
    install(cluster, crd(), few, is_taken=False)
    assert "spec.kinds[zoo].plugins[a].workers: must be at least 1; it is 0" in told(elsewhere)
    assert elsewhere.pids("a") == pids
    elsewhere.configure({"a": {"workers": 1}})
    elsewhere.until_condition("ConfigRejected", status="False")
    assert elsewhere.pids("a") == pids


def test_an_older_sidecar_goes_on_beside_a_newer_crd_and_warns(elsewhere: ClusterMode):
    install(elsewhere.namespace.cluster, later_crd(), probe(shadow=True), is_taken=True)
    elsewhere.install("good", "a")
    elsewhere.configure({"a": {}}, shadow=True)
    elsewhere.start()
    elsewhere.until_served("a")
    warnings = [each["problem"] for each in elsewhere.records("config warning")]
    assert len(warnings) == 1
    assert warnings[0].endswith("spec.shadow: no such field")
    elsewhere.until_condition("ConfigRejected", status="False")


@pytest.mark.parametrize("levels", [500, 3000])
def test_what_is_nested_deeper_than_a_reader_can_follow_disturbs_nobody(serving: ClusterMode, levels: int):
    """JSON readers give up at 1,000 or at 10,000 levels, kopf's copying at some 400."""
    pids = serving.pids("a")
    cluster, deep = serving.namespace.cluster, "[" * levels + "]" * levels
    body = f'{{"spec": {{"defaults": {{"config": {{"a": {deep}}}}}}}}}'
    with suppress(RecursionError):  # it is stored, and the answer may be no better to read here than there
        cluster.api("PATCH", serving.path, body.encode(), content_type=MERGE)

    def told(status: Object) -> bool:
        said = {each["type"]: each["message"] for each in status["conditions"] if each["status"] == "True"}
        return "nested too deep" in said.get("ConfigStale", "") or "nested deeper than 64" in said.get(
            "ConfigRejected", ""
        )

    serving.until(told)
    assert serving.pids("a") == pids
    mended = {"spec": {"defaults": {"config": None, "workers": 2}}}
    cluster.api("PATCH", serving.path, mended, content_type=MERGE)
    serving.until(lambda status: len(serving.pids("a")) == 2)
    for condition in ("ConfigStale", "ConfigRejected"):
        serving.until_condition(condition, status="False")
