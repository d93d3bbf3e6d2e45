"""A host takes in the pool without the controller's baggage."""

import subprocess
import sys

import pytest

LIST = "import sys, controller.pool; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


@pytest.fixture(scope="module")
def imported() -> set[str]:
    done = subprocess.run([sys.executable, "-c", LIST], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "heavy", ["watchfiles", "yaml", "jsonschema_rs", "prometheus_client", "kopf", "kubernetes", "h11"]
)
def test_the_pool_imports_nothing_that_hosts_do_not_need(imported: set[str], heavy: str) -> None:
    assert "controller" in imported
    assert heavy not in imported


def test_the_pool_imports_of_the_controller_only_what_its_messages_are_made_of() -> None:
    code = "import sys, controller.pool; print(*{name.split('.')[1] for name in sys.modules if name.startswith('controller.')})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"pool", "manager", "core", "errors"}
