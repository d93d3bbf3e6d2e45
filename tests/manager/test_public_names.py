"""The public names: all there, and each paid for by who asks for it."""

import subprocess
import sys

import pytest

import controller

HEAVY = ("grpc", "google", "prometheus_client", "watchfiles", "yaml", "jsonschema_rs", "asyncio", "importlib.metadata")


def loaded(code: str) -> set[str]:
    ask = f"{code}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    assert loaded("import controller") & set(HEAVY) == set()
    assert not any(name.startswith("controller.") for name in loaded("import controller"))


def test_metrics_cost_no_grpc_and_no_watch():
    assert loaded("from controller import PluginManagerMetrics") & {"grpc", "watchfiles", "yaml"} == set()


@pytest.mark.parametrize("name", controller.__all__)
def test_a_public_name_is_there_and_found_by_dir(name):
    assert getattr(controller, name) is not None
    assert name in dir(controller)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Canary'"):
        controller.Canary  # noqa: B018 - asking is the point
    assert not hasattr(controller, "Canary")
