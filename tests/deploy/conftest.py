"""A namespace with everything that deploy/base brings."""

from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster, unique
from tests.cluster.namespace import Namespace
from tests.deploy.render import DEPLOY

POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture
def policies(cluster: Cluster) -> Iterator[None]:
    """Take the cluster's part of the base away again: other tests write statuses as they like."""
    yield
    for kind in ("ybindings", "ies"):
        cluster.status_of(f"{POLICIES}{kind}/pluginmgr-own-status", method="DELETE")


@pytest.fixture
def installed(cluster: Cluster, policies: None) -> Iterator[Namespace]:
    """A namespace of the test's own, `restricted`, with the base."""
    made = Namespace(cluster, unique("deploy"))
    made.create(**RESTRICTED)
    made.kubectl("apply", "--server-side", "--force-conflicts", "--kustomize", str(DEPLOY / "base"))
    yield made
    made.delete()
