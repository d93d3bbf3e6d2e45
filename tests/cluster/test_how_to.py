"""The kubectl commands of the how-to pages do what the pages say, as they stand there, with a controller that follows.

What `kubectl exec` runs in the sidecar's container is run beside the controller, for there is no kubelet here.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.testing.answers import DEADLINE
from tests.cluster.binaries import binary
from tests.cluster.cluster_mode import ClusterMode
from tests.cluster.replica import Replica, aggregator_account
from tests.e2e.rig import HANDSHAKE
from tests.tools.build import ROOT

PAGES = ROOT / "docs/how-to"
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
PLUGIN = "rule/failed-login"
EXEC = "exec web-0 -c pluginmgr -- pluginmgr "


class Reader:
    """Types what stands in a page, block by block; in a cluster where a controller follows `detections`."""

    def __init__(self, mode: ClusterMode, home: Path) -> None:
        self.mode = mode
        self.home = home
        shim = home / "kubectl"
        kubectl = f'"{binary("kubectl")}" --namespace {mode.namespace.name} "$@"'
        inside = f'command=$7; shift 7; exec {sys.executable} -m controller "$command" "$@" --state-dir {mode.state}'
        shim.write_text(f'#!/bin/sh\nif [ "$1" = exec ]; then {inside}; fi\nexec {kubectl}\n')
        shim.chmod(0o755)

    def blocks(self, page: str) -> list[str]:
        """Those of a page that are about a cluster."""
        return [block for block in BLOCK.findall((PAGES / page).read_text()) if "kubectl" in block]

    def type(self, block: str, *, succeeds: bool = True) -> str:
        """Run a block; its standard output."""
        path = f"{self.home}:{os.environ['PATH']}"
        kubeconfig = str(self.mode.namespace.cluster.kubeconfig)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
            cwd=ROOT,
            env={"PATH": path, "HOME": str(self.home), "KUBECONFIG": kubeconfig, "EDITOR": "true"},
        )
        assert (done.returncode == 0) == succeeds, done.stderr
        return done.stdout


@pytest.fixture
def aggregator(reader: "Reader", tmp_path: Path) -> Iterator[Replica]:
    """The aggregator of the reader's namespace, so that `kubectl wait` has something to wait for."""
    aggregator_account(reader.mode.namespace)
    replica = Replica(reader.mode.namespace, tmp_path / "aggregator", "a").start()
    yield replica
    replica.kill()


@pytest.fixture
def reader(sidecar: Callable[..., ClusterMode], tmp_path: Path) -> Reader:
    mode = sidecar("web-0", "detections")
    mode.install("good", "failed-login")
    kind = {"name": "rule", "directory": "zoo", "handshake": HANDSHAKE}
    mode.write_config({"kinds": [{**kind, "plugins": [{"name": "port-scan", "enabled": False}]}]})
    mode.start()
    mode.until_served(PLUGIN)
    return Reader(mode, tmp_path)


def entries(reader: Reader) -> dict[str, dict]:
    return {each["name"]: each for each in reader.mode.spec()["kinds"][0]["plugins"]}


def until_new(reader: Reader, old: list[int]) -> None:
    reader.mode.until_plugin(PLUGIN, lambda each: each["state"] == "Serving" and reader.mode.pids(PLUGIN) != old)


def test_disable_and_enable(reader: Reader, aggregator: Replica):
    edit, disable, wait, enable = reader.blocks("disable-a-plugin.md")
    reader.type(edit)
    reader.type(disable)
    reader.type(wait)  # which an answer about the config of before does not end
    assert reader.mode.status()["observedGeneration"] == 2
    assert reader.mode.until_state(PLUGIN, "Disabled")
    reader.type(enable)
    reader.mode.until_served(PLUGIN)
    assert entries(reader) == {
        "port-scan": {"name": "port-scan", "enabled": False},
        "failed-login": {"name": "failed-login"},
    }


def test_pin(reader: Reader):
    pin, show = reader.blocks("pin-a-digest.md")
    digest = reader.mode.until_served(PLUGIN)["servingDigest"]
    pids = reader.mode.pids(PLUGIN)
    in_page = re.search("[0-9a-f]{64}", pin)[0]
    reader.type(pin.replace(in_page, digest))
    reader.mode.until_condition("Verified", PLUGIN, status="True")
    assert reader.mode.pids(PLUGIN) == pids
    reader.type(pin)
    reader.mode.until_condition("Verified", PLUGIN, status="False", reason="DigestMismatch")
    assert reader.mode.pids(PLUGIN) == pids
    reader.mode.until_told(lambda status: "DigestMismatch" in str(status))
    assert reader.type(show).split() == ["POD", "DIGEST", "web-0", digest]


def test_restart(reader: Reader):
    everywhere, one = reader.blocks("restart-a-plugin.md")
    for block in (everywhere, one):
        old = reader.mode.pids(PLUGIN)
        reader.type(block)
        until_new(reader, old)


def test_pause(reader: Reader):
    pause, go_on, which = reader.blocks("pause.md")
    old = reader.mode.pids(PLUGIN)
    reader.type(pause)
    reader.mode.until_condition("Paused", status="True")
    assert reader.type(which).split()[7] == "detections"
    reader.mode.install("good", "failed-login", version="2")
    reader.type(reader.blocks("disable-a-plugin.md")[1])
    reader.mode.until(lambda status: status["observedGeneration"] == 3)
    assert reader.mode.pids(PLUGIN) == old
    reader.type(go_on)
    reader.mode.until_state(PLUGIN, "Disabled")
    assert "detections" not in reader.type(which)


def test_find_out_why(reader: Reader):
    reader.mode.install("exits_at_once", "port-scan")
    reader.mode.write_config({"kinds": [{"name": "rule", "directory": "zoo", "handshake": HANDSHAKE}]})
    reader.mode.until_state("rule/port-scan", "CrashLoop", "BackingOff")
    reader.mode.until_told(lambda status: "CrashLoop" in str(status))
    look, events, more = (
        block.replace("failed-login", "port-scan") for block in reader.blocks("why-is-it-not-running.md")
    )
    lists, describe, inside = look.splitlines()[:2], look.splitlines()[2], look.splitlines()[3]
    config, pods = (reader.type(line) for line in lists)
    assert config.splitlines()[1].split()[0] == "detections"
    assert pods.splitlines()[1].split()[:2] == ["web-0", "false"]
    assert "rule/port-scan (CrashLoop)" in pods
    described = reader.type(describe)
    for words in ("port-scan", "CrashLoop", "Next Retry"):
        assert words in described
    assert "CrashLoop" in reader.type(f"{inside} || true")  # it ends with 1, since the plugin is not ready
    ends = time.monotonic() + DEADLINE
    while "rule/port-scan: " not in reader.type(events):
        assert time.monotonic() < ends
    assert "port-scan" in reader.type(more)
