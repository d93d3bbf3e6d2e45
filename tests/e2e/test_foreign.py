"""Real plugins that nobody here wrote, unchanged, under a whole controller and under `pluginmgr check`."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.proc import sockets_of, until_gone
from tests.e2e.rig import Rig
from tests.foreign.plugins import PLUGINS, REFUSED, Foreign, parameters


@pytest.fixture
def temporary(controller: Rig) -> Iterator[Path]:
    """The directory for all that is temporary: a plugin's socket would lie there if the host did not say where."""
    with tempfile.TemporaryDirectory(prefix="pm", dir="/tmp") as place:  # short, since sockets live below it
        controller.env["TMPDIR"] = place
        yield Path(place)


def configure(controller: Rig, plugin: Foreign, **fields: Any) -> None:
    handshake = {
        "cookieKey": plugin.cookie_key,
        "cookieValue": plugin.cookie_value,
        "protocolVersions": list(plugin.versions),
    }
    controller.install(plugin.find(), "plugin")
    controller.configure({"plugin": {"startTimeoutSeconds": 60} | fields}, kind={"handshake": handshake})


def check(plugin: Foreign, program: Path, temporary: Path) -> tuple[int, dict[str, Any]]:
    versions = [word for version in plugin.versions for word in ("--protocol-version", str(version))]
    cookie = f"{plugin.cookie_key}={plugin.cookie_value}"
    command = [sys.executable, "-m", "controller", "check", str(program), "--cookie", cookie, *versions]
    env = {**os.environ, "TMPDIR": str(temporary)}
    done = subprocess.run(
        [*command, "-o", "json"],
        capture_output=True,
        text=True,
        env=env,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("plugin", parameters(PLUGINS))
def test_it_serves_survives_a_kill_and_leaves_nothing(controller: Rig, plugin: Foreign, temporary: Path):
    configure(controller, plugin)
    controller.start()
    controller.until_served("plugin")
    (pid,) = controller.pids("plugin")
    sockets = sockets_of(pid)
    assert sockets
    os.kill(pid, signal.SIGKILL)
    entry = controller.until_plugin("plugin", lambda each: each["restarts"] == 1 and each["state"] == "Serving")
    assert entry["lastExit"]["reason"] == "Killed"
    until_gone(pid)
    (fresh,) = controller.pids("plugin")
    sockets |= sockets_of(fresh)
    assert controller.terminate() == 0
    assert controller.leftovers() == []
    assert [path for path in sockets if Path(path).exists()] == []
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("plugin", parameters(PLUGINS))
def test_check_finds_it_fit_and_lists_its_services(controller: Rig, plugin: Foreign, temporary: Path):
    code, report = check(plugin, controller.install(plugin.find()), temporary)
    assert code == 0, report
    assert report["fit"]
    assert report["protocol_version"] == plugin.answers
    assert "plugin.GRPCController" in report["services"]
    assert {"spawn", "handshake", "health", "stop"} <= report["milliseconds"].keys()
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("plugin", parameters(REFUSED))
def test_one_that_speaks_net_rpc_is_refused_with_that_reason(controller: Rig, plugin: Foreign, temporary: Path):
    configure(controller, plugin)
    controller.start()
    entry = controller.until_plugin("plugin", lambda each: each.get("lastExit"))
    assert entry["lastExit"]["reason"] == plugin.reason
    assert controller.terminate() == 0
    assert controller.leftovers() == []
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("plugin", parameters(REFUSED))
def test_check_finds_one_that_speaks_net_rpc_unfit(controller: Rig, plugin: Foreign, temporary: Path):
    code, report = check(plugin, controller.install(plugin.find()), temporary)
    assert code == 1
    assert (report["fit"], report["reason"]) == (False, plugin.reason)
    assert "net/rpc" in report["message"]
    assert list(temporary.iterdir()) == []
