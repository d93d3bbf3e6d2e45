"""The NetworkPolicies select the pods that they are about, and a real API server takes them."""

import pytest

from tests.cluster.namespace import Namespace
from tests.deploy.render import DEPLOY, containers, manifests, one, pod_template


@pytest.mark.go
def test_they_let_the_port_of_probes_and_metrics_in() -> None:
    for directory, container, template in (
        ("aggregator", "aggregator", pod_template(manifests(DEPLOY / "base"))),
        ("sidecar", "pluginmgr", pod_template(manifests(DEPLOY / "examples/copy"))),
    ):
        spec = one(manifests(DEPLOY / "network-policy" / directory), "NetworkPolicy")["spec"]
        ((port,),) = (each["ports"] for each in spec["ingress"])
        assert port["port"] in {each["containerPort"] for each in containers(template)[container]["ports"]}
        wanted = spec["podSelector"].get("matchLabels") or {
            each["key"]: None for each in spec["podSelector"]["matchExpressions"]
        }
        labels = template["metadata"]["labels"]
        assert all(labels[key] == value or value is None for key, value in wanted.items())


@pytest.mark.parametrize("directory", ["aggregator", "sidecar"])
def test_the_api_server_takes_them(namespace: Namespace, directory: str) -> None:
    where = str(DEPLOY / "network-policy" / directory)
    assert namespace.kubectl("apply", "--server-side", "--kustomize", where).stderr == ""
