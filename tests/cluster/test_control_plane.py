"""The test control plane is what the tests of the cluster believe it to be."""

import json
import re
from pathlib import Path

import pytest

from tests.cluster.api import MERGE, ApiError
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import ControlPlane
from tests.cluster.existing import existing_cluster
from tests.cluster.namespace import Namespace

SPEC = {"kinds": [{"name": "rule", "adapter": "rule"}]}
READ = {"apiGroups": ["pluginmgr.dev"], "resources": ["pluginconfigs"], "verbs": ["get", "list", "watch"]}


def test_our_resources_are_served_and_their_schema_is_enforced(namespace: Namespace):
    assert namespace.config("x", SPEC)["metadata"]["generation"] == 1
    with pytest.raises(ApiError, match=r"spec\.kinds") as refused:
        namespace.config("y", {"kinds": "many"})
    assert refused.value.code in (400, 422, 500)


def test_nobody_may_what_no_role_says(namespace: Namespace):
    account = namespace.service_account()
    token = namespace.token(account)
    with pytest.raises(ApiError) as refused:
        namespace.cluster.api("GET", namespace.ours("pluginconfigs"), token=token)
    assert refused.value.code == 403
    assert namespace.user(account) in refused.value.message
    namespace.grant(account, READ)
    assert namespace.cluster.api("GET", namespace.ours("pluginconfigs"), token=token)["items"] == []
    assert namespace.cluster.status_of(namespace.core("pods"), token) == 403


def test_an_unknown_token_is_nobody(namespace: Namespace):
    assert namespace.cluster.status_of(namespace.ours("pluginconfigs"), "unknown") == 401


def test_a_token_bound_to_a_pod_carries_its_name(namespace: Namespace):
    account = namespace.service_account()
    pod = namespace.pod("web-0", account)
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    user = namespace.cluster.api("POST", path, review, token=namespace.token(account, pod))["status"]["userInfo"]
    assert user["extra"]["authentication.kubernetes.io/pod-name"] == ["web-0"]
    assert user["extra"]["authentication.kubernetes.io/pod-uid"] == [pod["metadata"]["uid"]]


def test_what_a_service_account_asks_for_is_in_the_audit_log(control_plane: ControlPlane, namespace: Namespace):
    account = namespace.service_account()
    namespace.grant(account, READ)
    token = namespace.token(account, namespace.pod("web-0", account))
    path = namespace.ours("pluginconfigs/x/status")
    assert namespace.cluster.status_of(path, token) == 403
    watched = namespace.ours("pluginconfigs?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dx")
    assert namespace.cluster.status_of(watched, token) == 200
    denied, watch = control_plane.audit.until(lambda found: len(found) == 2, namespace.user(account))
    assert (denied.verb, denied.resource, denied.code, denied.pod) == ("get", "pluginconfigs/status", 403, "web-0")
    assert (watch.verb, watch.resource, watch.field_selector) == ("watch", "pluginconfigs", "metadata.name=x")


def test_kubectl_works(namespace: Namespace):
    namespace.config("x", SPEC)
    assert namespace.kubectl("get", "plc", "--output", "name").stdout == "pluginconfig.pluginmgr.dev/x\n"
    namespace.kubectl("edit", "plc", "x", EDITOR="sed -i 's/name: rule/name: formatter/'")
    found = namespace.cluster.api("GET", namespace.ours("pluginconfigs/x"))
    assert found["spec"]["kinds"][0]["name"] == "formatter"
    assert found["metadata"]["generation"] == 2
    failed = namespace.kubectl("get", "plc", "y", check=False)
    assert (failed.returncode, "not found" in failed.stderr) == (1, True)


def test_objects_and_tokens_survive_a_killed_server(control_plane: ControlPlane, namespace: Namespace):
    before = namespace.config("x", SPEC)
    token = namespace.token(namespace.service_account())
    address = control_plane.address
    control_plane.kill()
    with pytest.raises(OSError, match="refused"):
        namespace.find(namespace.ours("pluginconfigs/x"))
    control_plane.start()
    assert control_plane.address == address
    assert namespace.find(namespace.ours("pluginconfigs/x")) == before
    assert namespace.cluster.status_of(namespace.ours("pluginconfigs"), token) == 403


def test_a_server_without_etcd_is_not_ready_until_etcd_is_back(control_plane: ControlPlane, namespace: Namespace):
    before = namespace.config("x", SPEC)
    control_plane.kill_etcd()
    assert not control_plane.is_ready()
    control_plane.start()
    assert namespace.find(namespace.ours("pluginconfigs/x")) == before


def test_an_old_watch_ends_with_410_after_a_compaction_and_a_restart(control_plane: ControlPlane, namespace: Namespace):
    old = namespace.config("x", SPEC)["metadata"]["resourceVersion"]
    path = namespace.ours("pluginconfigs")
    for workers in (1, 2):
        namespace.config("x", SPEC | {"defaults": {"workers": workers}})
    newest = control_plane.compact()
    assert newest >= int(old)
    control_plane.restart()
    (event,) = control_plane.cluster.watch(path, resourceVersion=old, timeoutSeconds=5)
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_a_deleted_crd_takes_its_objects_along_and_comes_back(control_plane: ControlPlane, namespace: Namespace):
    namespace.config("x", SPEC)
    control_plane.cluster.remove_crd("pluginconfigs")
    assert namespace.find(namespace.ours("pluginconfigs/x")) is None
    control_plane.cluster.install_crds()
    assert namespace.find(namespace.ours("pluginconfigs/x")) is None
    assert namespace.config("x", SPEC)["metadata"]["generation"] == 1


def test_a_server_that_ended_by_itself_is_told_with_the_end_of_its_log(spare_plane: ControlPlane):
    spare_plane.server.command.append("--no-such-flag")
    with pytest.raises(AssertionError, match=r"kube-apiserver ended with 1\n(.*\n)*.*no-such-flag"):
        spare_plane.start()


def test_a_pod_is_given_a_phase_and_deleted_at_once(namespace: Namespace):
    namespace.pod("web-0")
    namespace.finish("web-0")
    assert namespace.cluster.api("GET", namespace.core("pods/web-0"))["status"]["phase"] == "Succeeded"
    namespace.delete_pod("web-0")
    assert namespace.find(namespace.core("pods/web-0")) is None


def test_two_managers_own_their_fields(namespace: Namespace):
    namespace.config("x", SPEC)
    path = namespace.ours("pluginconfigs/x")
    namespace.cluster.api("PATCH", path, {"spec": {"paused": True}}, content_type=MERGE, fieldManager="other")
    managers = {each["manager"] for each in namespace.cluster.api("GET", path)["metadata"]["managedFields"]}
    assert managers == {"test", "other"}


def test_the_programs_know_their_version(cluster: Cluster):
    server = cluster.api("GET", "/version")["gitVersion"]
    client = json.loads(cluster.kubectl("version", "--output", "json").stdout)
    assert server == client["serverVersion"]["gitVersion"]
    assert re.fullmatch(r"v1\.3\d\.\d+", server)
    assert re.fullmatch(r"v1\.3\d\.\d+", client["clientVersion"]["gitVersion"])


def test_an_existing_cluster_is_found_by_its_kubeconfig(
    control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KUBECONFIG", str(control_plane.cluster.kubeconfig))
    found = existing_cluster(tmp_path)
    assert found.status_of("/api/v1/nodes") == 200
    assert found.kubectl("auth", "whoami", "--output", "jsonpath={.status.userInfo.username}").stdout == "admin"


def test_an_identity_that_another_program_gives_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kubeconfig = tmp_path / "kubeconfig"
    Cluster("https://127.0.0.1:1", ca=tmp_path / "none", token="x", home=tmp_path).write_kubeconfig(kubeconfig)
    document = json.loads(kubeconfig.read_text())
    document["users"][0]["user"] = {"exec": {"command": "login", "apiVersion": "client.authentication.k8s.io/v1"}}
    (tmp_path / "none").write_text("")
    kubeconfig.write_text(json.dumps(document))
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    with pytest.raises(AssertionError, match="neither a token nor a client certificate"):
        existing_cluster(tmp_path)
