"""A host takes in the pool without the controller's baggage."""

import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def imported() -> set[str]:
    code = "import sys, controller.pool; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "heavy", ["watchfiles", "yaml", "jsonschema_rs", "prometheus_client", "kopf", "kubernetes", "h11"]
)
def test_the_pool_imports_nothing_that_hosts_do_not_need(imported: set[str], heavy: str) -> None:
    assert heavy not in imported


def test_the_pool_imports_of_the_controller_only_what_its_messages_are_made_of(imported: set[str]) -> None:
    ours = {name.split(".")[1] for name in imported if name.startswith("controller.")}
    assert ours == {"pool", "manager", "core", "errors"}
