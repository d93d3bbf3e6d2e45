"""The environment of a controller in these tests is a pod's: its token, its rights, its volume."""

import os
from collections.abc import Callable
from pathlib import Path

from controller.testing.processes import until_gone
from tests.cluster.cluster_mode import ClusterMode
from tests.cluster.cut import Wire

REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def token_of(mode: ClusterMode) -> str:
    return Path(mode.env["PLUGINMGR_SERVICEACCOUNT_DIR"], "token").read_text(encoding="ascii")


def test_its_token_is_its_pods_and_may_what_the_shipped_role_says(cluster_mode: ClusterMode):
    cluster, namespace = cluster_mode.namespace.cluster, cluster_mode.namespace
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    user = cluster.api("POST", REVIEW, body, token=token_of(cluster_mode))["status"]["userInfo"]
    assert user["extra"]["authentication.kubernetes.io/pod-uid"] == [cluster_mode.env["PLUGINMGR_POD_UID"]]
    assert cluster.status_of(namespace.ours("pluginconfigs"), token_of(cluster_mode)) == 200
    assert cluster.status_of(namespace.core("pods"), token_of(cluster_mode)) == 403


def test_a_renewed_token_is_another_in_the_same_place(cluster_mode: ClusterMode):
    before = token_of(cluster_mode)
    names = sorted(each for each in os.listdir(cluster_mode.token_volume.directory) if not each.startswith(".."))
    assert names == ["ca.crt", "namespace", "token"]
    assert cluster_mode.renew_token() == token_of(cluster_mode)
    assert token_of(cluster_mode) != before
    assert sorted(os.listdir(cluster_mode.token_volume.directory))[-3:] == names


def test_flags_go_through_the_api_server(cluster_mode: ClusterMode):
    assert cluster_mode.spec() == {"kinds": []}
    cluster_mode.configure({"a": {}})
    cluster_mode.flag("a", enabled=False)
    found = cluster_mode.namespace.find(cluster_mode.path)
    assert found is not None
    assert found["metadata"]["generation"] == 2
    assert found["spec"]["kinds"][0]["plugins"] == [{"name": "a", "enabled": False}]
    cluster_mode.flag("a", enabled=None)
    assert cluster_mode.spec()["kinds"][0]["plugins"] == [{"name": "a"}]


def test_several_are_several_pods_of_one_config(sidecar: Callable[..., ClusterMode], wire: Wire):
    first, second = sidecar("web-0"), sidecar("web-1")
    second.via(wire.address)
    assert first.path == second.path
    assert first.status_path != second.status_path
    assert first.env["KUBERNETES_SERVICE_PORT"] != second.env["KUBERNETES_SERVICE_PORT"]
    assert "--config" not in first.command()
    assert first.command()[first.command().index("--pluginconfig") + 1] == "plugins"


def test_the_controller_follows_the_object_and_tells_of_its_pod(cluster_mode: ClusterMode):
    cluster_mode.install("good", "a")
    cluster_mode.configure({"a": {}})
    cluster_mode.start()
    cluster_mode.until_served("a")
    (pid,) = cluster_mode.pids("a")
    told = cluster_mode.until_told(lambda status: status["ready"])
    assert told["metadata"]["ownerReferences"][0]["uid"] == cluster_mode.pod["metadata"]["uid"]
    cluster_mode.flag("a", enabled=False)
    cluster_mode.until_state("a", "Disabled")
    until_gone(pid)
    cluster_mode.until_told(lambda status: status["plugins"][0]["state"] == "Disabled")
    assert cluster_mode.terminate() == 0
