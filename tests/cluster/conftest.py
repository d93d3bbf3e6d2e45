"""Fixtures of the tests of what we do in a cluster; those of a real API server are in `fixtures`, for all tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cluster import fake_api
from tests.cluster.cluster_mode import ClusterMode, cluster_mode_in
from tests.cluster.cut import Wire, wire_to
from tests.cluster.namespace import Namespace
from tests.cluster.replica import Replica, aggregator_account


@pytest.fixture
def fake() -> Iterator[fake_api.FakeApi]:
    """An API server for faults, without any object."""
    with fake_api.fake_api() as made:
        yield made


@pytest.fixture
def wire(namespace: Namespace) -> Iterator[Wire]:
    """A wire to the API server that the test can cut: `cluster_mode.via(wire.address)`."""
    with wire_to(namespace.cluster.address) as made:
        yield made


@pytest.fixture
def aggregator(namespace: Namespace, wire: Wire, tmp_path: Path) -> Iterator[Replica]:
    """An aggregator at work, at the near end of the wire."""
    aggregator_account(namespace)
    made = Replica(namespace, tmp_path / "aggregator", "a", server="https://{}:{}".format(*wire.address)).start()
    yield made
    made.kill()
    print(made.log.read_text())  # shown if the test fails


@pytest.fixture
def sidecar(namespace: Namespace, tmp_path: Path) -> Iterator[Callable[..., ClusterMode]]:
    """`sidecar("web-1")`: one more controller of another pod of the namespace, which follows the same PluginConfig."""
    with ExitStack() as stack:
        yield lambda pod, name="plugins": stack.enter_context(cluster_mode_in(namespace, tmp_path / pod, pod, name))


@pytest.fixture
def cluster_mode(sidecar: Callable[..., ClusterMode]) -> ClusterMode:
    """A controller that follows a PluginConfig: not started yet, nothing configured, nothing installed."""
    return sidecar("web-0")
