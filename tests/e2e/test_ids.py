"""Plugins that report ids through an adapter of another distribution: one plugin of a kind per id."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.proc import until_gone
from tests.e2e.rig import HANDSHAKE, Rig
from tests.plugins import zoo

ADAPTER = """
from controller.core.model import Reported
from controller.manager.adapter import Dispensed, PluginAdapter


class ZooAdapter(PluginAdapter):
    async def handshake(self, stub, plugin):
        answer = await stub.unary_unary("/zoo.Identity/Get")(b"")
        return Dispensed(item=stub, reported=Reported(answer.decode()))


class BrokenAdapter(PluginAdapter):
    async def handshake(self, stub, plugin):
        raise ValueError("not what anybody expects")
"""
ENTRY_POINTS = """[pluginmgr.adapters]
zoo = zoo_adapter:ZooAdapter
broken = zoo_adapter:BrokenAdapter
missing = no_such_module:Adapter
"""


@pytest.fixture
def adapters(controller: Rig, tmp_path: Path) -> Iterator[Rig]:
    """A controller beside whose own distribution another one is installed."""
    site = tmp_path / "site"
    info = site / "zoo_adapter-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "zoo_adapter.py").write_text(ADAPTER, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-adapter\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    controller.env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    return controller


def named(**ids: str) -> Mapping[str, Any]:
    """Entries of plugins with the ids that they report."""
    return {name: {"env": [{"name": "ZOO_ID", "value": reported}]} for name, reported in ids.items()}


def configure(controller: Rig, **ids: str) -> None:
    controller.configure(named(**ids), kind={"adapter": "zoo"})


def test_an_adapter_of_another_distribution_reports_ids(adapters: Rig):
    adapters.install("reports_id", "first")
    configure(adapters, first="one")
    adapters.start()
    assert adapters.until_served("first")["id"] == "one"


def test_who_claims_an_id_that_is_held_is_refused_and_the_holder_undisturbed(adapters: Rig):
    adapters.install("reports_id", "second")
    configure(adapters, first="one", second="one")
    adapters.start()
    adapters.until_served("second")
    (pid,) = adapters.pids("second")
    adapters.install("reports_id", "first")
    entry = adapters.until_state("first", "Refused")
    assert entry["reason"] == "DuplicateId"
    assert "'one'" in entry["message"]
    assert "zoo/second" in entry["message"]
    assert adapters.pids("second") == [pid]
    configure(adapters, first="one", second="two")
    adapters.until_served("first")
    adapters.until(lambda _: adapters.plugin("second")["id"] == "two")


def test_of_two_at_once_one_gets_the_id_and_the_other_is_told_who(adapters: Rig):
    adapters.install("reports_id", "b")
    adapters.install("reports_id", "a")
    configure(adapters, a="one", b="one")
    adapters.start()
    status = adapters.until(
        lambda status: sorted(each["state"] for each in status["plugins"]) == ["Refused", "Serving"]
    )
    states = {each["state"]: each for each in status["plugins"]}
    assert states["Refused"]["reason"] == "DuplicateId"
    assert f"zoo/{states['Serving']['name']} holds" in states["Refused"]["message"]


def test_a_renamed_file_takes_its_id_along(adapters: Rig):
    old = adapters.install("reports_id", "old")
    configure(adapters, old="one", new="one")
    adapters.start()
    adapters.until_served("old")
    (pid,) = adapters.pids("old")
    old.rename(adapters.volume / "new")
    assert adapters.until_served("new")["id"] == "one"
    until_gone(pid)
    adapters.until_state("old", "Removed")


def test_an_adapter_that_the_plugin_does_not_fit_fails_its_workers_only(adapters: Rig):
    adapters.install("reports_id", "first")
    adapters.install("good", "other")
    configure(adapters, first="one")
    adapters.start()
    adapters.until_served("first")
    assert adapters.until_plugin("other", lambda each: each.get("lastExit"))["lastExit"]["reason"] == "AdapterFailed"


@pytest.mark.parametrize("adapter", ["broken", "missing"])
def test_an_adapter_that_breaks_fails_its_workers_only(adapters: Rig, adapter: str):
    adapters.install("good", "plugin")
    zoo.install("good", adapters.plugins / "healthy", "bystander")
    adapters.configure({}, kind={"adapter": adapter}, kinds=[{"name": "healthy", "handshake": HANDSHAKE}])
    adapters.start()
    adapters.until_served("healthy/bystander")
    assert adapters.until_plugin("plugin", lambda each: each.get("lastExit"))["lastExit"]["reason"] == "AdapterFailed"
    assert adapters.until_served("healthy/bystander")["restarts"] == 0
