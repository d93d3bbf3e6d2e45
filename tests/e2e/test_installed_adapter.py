"""The example of an adapter as its users get it: a distribution that pip installs beside pluginmgr."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.rig import Rig
from tests.plugins import zoo

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def installed(controller: Rig, tmp_path: Path) -> Rig:
    """A controller beside which the example is installed."""
    source, site = tmp_path / "adapter", tmp_path / "site"
    shutil.copytree(EXAMPLES / "adapter", source)
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "install", *offline, "--target", str(site), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    controller.env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    return controller


def test_an_installed_adapter_brings_the_handshake_and_the_names_of_its_plugins(installed: Rig):
    (greeter,) = EXAMPLES.rglob("greeter.py")
    zoo.install(greeter, installed.plugins / "greeter", "hello")
    installed.write_config({"kinds": [{"name": "greeter", "adapter": "greeter"}]})
    installed.start()
    entry = installed.until_served("greeter/hello")
    assert (entry["id"], entry["displayName"]) == ("hello", "Hello, pluginmgr!")


def test_without_it_the_config_is_refused_with_what_there_is(controller: Rig):
    controller.write_config({"kinds": [{"name": "greeter", "adapter": "greeter"}]})
    code, said = controller.start_failing()
    assert code == 2
    assert "no adapter greeter is installed; there are: " in said
