"""Fixtures about plugins: how tests get programs onto a volume, and where built ones are."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.foreign import plugins as foreign
from tests.plugins import zoo
from tests.tools import build

pytest_plugins = ["controller.testing", "tests.cluster.fixtures"]

# A shell starts what it puts into the background with SIGINT ignored, and that is handed down to every child.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def measured(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No programs of slow tests and of those in a cluster: coverage doubles their work, and others cover the same."""
    if any(request.node.get_closest_marker(each) for each in ("slow", "cluster")):
        for each in ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"):
            monkeypatch.delenv(each, raising=False)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Nor what slow tests do in pytest's own process."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker("no_cover")


@pytest.fixture
def install() -> Callable[..., Path]:
    """`install(name, directory, as_name=None, version="")`: put a program of the zoo, or any file, there by rename.

    Another `version` makes other bytes that behave alike.
    """
    return zoo.install


@pytest.fixture(scope="session")
def go_plugin() -> Callable[..., Path]:
    """`go_plugin("grpc", version="1.8.0")`: the binary of one of go-plugin's own examples."""
    return lambda name, version="1.8.0": build.build(f"go-plugin-{version}-{name}")


@pytest.fixture(scope="session")
def echo_plugin() -> Path:
    """The zoo's plugin in Go, for calls under load."""
    return build.build("echo")


@pytest.fixture(scope="session")
def tflint_plugin() -> Path:
    """A plugin that others wrote, in use with tflint."""
    return build.build("tflint-ruleset-terraform")


@pytest.fixture(scope="session")
def terraform_provider() -> Path:
    """A Terraform provider from PyPI, proprietary and so for tests only."""
    return foreign.terraform_provider()
