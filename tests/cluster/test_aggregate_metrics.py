"""What the aggregator's metrics are, and that the documentation says so."""

import asyncio
import re
from pathlib import Path

import pytest

from controller.app.aggregate import Aggregate
from controller.app.aggregate_metrics import AggregateMetrics, Parts
from controller.kube.access import Access
from controller.kube.report import Reader
from controller.kube.rest import Rest
from controller.kube.summary import ConfigSeen
from controller.metrics.api import ApiMetrics
from tests.cluster.fake_api import FakeApi
from tests.kube.reported import failing, plugin, pod_status
from tests.tools.build import ROOT

PAGE = ROOT / "docs/reference/aggregator.md"


@pytest.fixture
def parts(fake: FakeApi, tmp_path: Path) -> Parts:
    access = Access.find(fake.kubeconfig(tmp_path / "kubeconfig"), {})

    async def made() -> Parts:
        async with Rest(access) as rest:
            return Aggregate(rest, ApiMetrics(), "default", "me").parts()

    return asyncio.run(made())


def test_the_documented_list_is_the_exposed_one(parts: Parts) -> None:
    metrics = AggregateMetrics(parts)
    exposed = set()
    for family in metrics.collect():
        name = family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
        labels = {label for sample in family.samples for label in sample.labels}
        exposed.add((name, {"info": "gauge"}.get(family.type, family.type), frozenset(labels)))
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*)\|", PAGE.read_text(), re.MULTILINE)
    documented = {(name, kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    without_pods = {(name, kind, labels) for name, kind, labels in documented if name != "pluginmgr_config_pods"}
    assert without_pods == {each for each in exposed if each[0] != "pluginmgr_config_pods"}
    assert ("pluginmgr_config_pods", "gauge", frozenset({"config", "state"})) in documented


def test_pods_are_counted_by_config_and_state(parts: Parts) -> None:
    parts.aggregator.config_changed(None, ConfigSeen("rules", "c1", 2, "1", {}))
    for status in (pod_status("a", plugin("x"), generation=2), pod_status("b", failing("x"))):
        parts.aggregator.report_changed(None, Reader().read(status))
    text = AggregateMetrics(parts).render("")[0].decode()
    shown = dict(re.findall(r'^pluginmgr_config_pods\{config="rules",state="(\w+)"\} (\S+)$', text, re.MULTILINE))
    assert shown == {"all": "2.0", "ready": "1.0", "failed": "1.0", "outdated": "1.0"}
