"""A real node: nothing here runs unless `make test-node` asks for it."""

import functools
import os
import uuid
from pathlib import Path

import pytest

from tests.node.deployment import DEPLOY, Sample, kustomize
from tests.node.hands import Hands
from tests.node.kubectl import Kubectl

if not os.environ.get("PLUGINMGR_NODE"):
    collect_ignore_glob = ["test_*.py"]

HERE = Path(__file__).parent
RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
FIGURES = pytest.StashKey[list[str]]()
SECONDS = 600  # for one test: pods come and go in it
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == HERE:
            item.add_marker("node")
            item.add_marker(pytest.mark.timeout(SECONDS))


def pytest_configure(config):
    config.stash[FIGURES] = []


def pytest_terminal_summary(terminalreporter, config):
    """All figures once more, in one place."""
    if config.stash[FIGURES]:
        terminalreporter.section("figures")
        for line in config.stash[FIGURES]:
            terminalreporter.line(line)


@pytest.fixture
def figure(request):
    """Say a measured figure, and hold it against its limit if it has one."""

    def say(what, value, unit, limit=None):
        line = f"{what:<72} {value:>10.4g} {unit}" + ("" if limit is None else f"  (limit {limit:g})")
        request.config.stash[FIGURES].append(line)
        print(line)
        assert limit is None or value <= limit, line

    return say


def make_namespace(labels):
    """One that nothing else is in."""
    name = f"pluginmgr-test-{uuid.uuid4().hex[:8]}"
    kubectl = Kubectl(name)
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    return kubectl


@pytest.fixture(scope="session")
def kubectl():
    """A namespace that enforces `restricted`, with the shipped base in it."""
    made = make_namespace(RESTRICTED)
    kustomize(made, [DEPLOY / "base"])
    yield made
    made.run("delete", "namespace", made.namespace, "--timeout=120s")


@pytest.fixture(scope="session")
def hands():
    """`hands(node)`: hands on that node, or on any."""
    made = make_namespace({"pod-security.kubernetes.io/enforce": "privileged"})
    yield functools.cache(functools.partial(Hands, made))
    made.run("delete", "namespace", made.namespace, "--timeout=120s")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture
def sample(kubectl, tmp_path, request):
    made = Sample(kubectl, tmp_path)
    yield made
    if request.node.stash.get(FAILED, False):
        print(made.diagnosis())
    made.close()
