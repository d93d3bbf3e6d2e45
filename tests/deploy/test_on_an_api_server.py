"""The manifests as a real API server takes them: one apply, and pods that `restricted` lets in."""

from pathlib import Path

import pytest

from tests.cluster.api import ApiError
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import ControlPlane
from tests.cluster.namespace import Namespace
from tests.deploy.render import DEPLOY, VARIANTS, manifests, pod_of, pod_template


@pytest.fixture(params=VARIANTS)
def example(request: pytest.FixtureRequest, cluster: Cluster) -> Path:
    """An example that this API server can take."""
    if request.param == "image" and int(cluster.api("GET", "/version")["minor"].rstrip("+")) < 35:
        pytest.skip("image volumes are off before Kubernetes 1.35")
    return DEPLOY / "examples" / request.param


def test_one_apply_installs_it_and_another_changes_nothing(namespace: Namespace, policies: None) -> None:
    base = ("--kustomize", str(DEPLOY / "base"))
    first = namespace.kubectl("apply", *base).stdout
    again = namespace.kubectl("apply", *base).stdout.splitlines()
    assert len(first.splitlines()) == len(again) == len(manifests(DEPLOY / "base"))
    assert [line for line in again if not line.endswith(" unchanged")] == []


def test_a_cluster_that_knows_nothing_of_us_takes_it_at_once(spare_plane: ControlPlane) -> None:
    """Nothing in it waits for the CRDs to be served."""
    spare_plane.start()
    made = spare_plane.cluster.kubectl("apply", "--server-side", "--kustomize", str(DEPLOY / "base")).stdout
    assert len(made.splitlines()) == len(manifests(DEPLOY / "base"))


def test_a_pod_of_the_aggregator_is_restricted_enough(installed: Namespace) -> None:
    template = pod_template(manifests(DEPLOY / "base"))
    installed.cluster.api("POST", installed.core("pods"), pod_of(template, "aggregator-0"))


def test_a_pod_with_the_sidecar_is_restricted_enough(installed: Namespace, example: Path) -> None:
    installed.cluster.api("POST", installed.core("pods"), pod_of(pod_template(manifests(example)), "web-0"))


def test_restricted_is_in_force(installed: Namespace) -> None:
    template = pod_template(manifests(DEPLOY / "examples/pvc"))
    (sidecar,) = template["spec"]["initContainers"]
    context = {**sidecar["securityContext"], "allowPrivilegeEscalation": True}
    spec = {**template["spec"], "initContainers": [{**sidecar, "securityContext": context}]}
    with pytest.raises(ApiError, match="allowPrivilegeEscalation"):
        installed.cluster.api("POST", installed.core("pods"), pod_of({**template, "spec": spec}, "web-0"))


def test_an_example_is_taken_without_a_warning(installed: Namespace, example: Path) -> None:
    done = installed.kubectl("apply", "--server-side", "--kustomize", str(example))
    assert done.stderr == ""
