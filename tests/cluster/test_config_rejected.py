"""What the API server stores and the sidecar refuses: the last good config stays, and the pod says why."""

import copy

import pytest
import yaml

from tests.cluster.cluster_mode import ClusterMode
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
