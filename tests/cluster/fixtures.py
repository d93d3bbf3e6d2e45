"""Fixtures of a real API server for any test; whoever uses one is marked `cluster`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster, unique
from tests.cluster.control_plane import ControlPlane
from tests.cluster.existing import existing_cluster
from tests.cluster.namespace import Namespace

FIXTURES = {"booted", "administered", "control_plane", "cluster", "namespace", "spare_plane"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark who needs the API server, before -m selects."""
    for item in items:
        if FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("cluster")


def is_elsewhere() -> bool:
    """Whether the cluster is one that was there before."""
    return os.environ.get("USE_EXISTING_CLUSTER", "").lower() == "true"


@pytest.fixture(scope="session")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The control plane of this run or of this worker of xdist; tests ask for `control_plane`."""
    if is_elsewhere():
        pytest.skip("needs a control plane that it may kill, not USE_EXISTING_CLUSTER")
    made = ControlPlane(tmp_path_factory.mktemp("control-plane"))
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def control_plane(booted: ControlPlane) -> Iterator[ControlPlane]:
    """A running control plane with our CRDs, which the test may kill, restart and spoil."""
    booted.start()
    booted.cluster.install_crds()
    yield booted
    booted.check()


@pytest.fixture(scope="session")
def administered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The cluster that KUBECONFIG names with USE_EXISTING_CLUSTER=true."""
    return existing_cluster(tmp_path_factory.mktemp("existing"))


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """A cluster with our CRDs, as its administrator sees it."""
    if not is_elsewhere():
        plane: ControlPlane = request.getfixturevalue("control_plane")
        return plane.cluster
    found: Cluster = request.getfixturevalue("administered")
    found.install_crds()
    return found


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[Namespace]:
    """A namespace of the test's own."""
    made = Namespace(cluster, unique("test"))
    made.create()
    yield made
    made.delete()


@pytest.fixture
def spare_plane(tmp_path: Path) -> Iterator[ControlPlane]:
    """Another control plane, not started yet, for a test that needs one of its own."""
    made = ControlPlane(tmp_path / "plane")
    yield made
    made.close()
