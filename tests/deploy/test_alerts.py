"""The alerts: promtool plays them, every word in them is one of the product's, and each has its runbook."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.core.pod import FIXED
from controller.core.reasons import Reason
from tests.deploy.render import DEPLOY, ROOT, containers, manifests, one, pod_template
from tests.tools import build

HERE = Path(__file__).parent
RULES: dict[str, Any] = yaml.safe_load((DEPLOY / "monitoring/alerts.yaml").read_text())["spec"]
ALERTS = {rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"]}
METRIC = re.compile(r"\bpluginmgr_\w+\b")


@pytest.fixture
def promtool(tmp_path: Path) -> list[str]:
    """The command, where the rules and their test are."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(RULES))
    shutil.copy(HERE / "alerts.yaml", tmp_path)
    return [str(build.build("promtool"))]


@pytest.mark.go
@pytest.mark.parametrize("words", [("check", "rules", "rules.yaml"), ("test", "rules", "alerts.yaml")], ids=" ".join)
def test_promtool_finds_no_fault(promtool: list[str], tmp_path: Path, words: tuple[str, ...]) -> None:
    done = subprocess.run([*promtool, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_asks_for_what_there_is(alert: str) -> None:
    expression = ALERTS[alert]["expr"]
    documented = (ROOT / "docs/reference/metrics.md").read_text()  # which a test compares with what is exposed
    metrics = METRIC.findall(expression)
    assert metrics
    assert [name for name in metrics if f"| `{name}` |" not in documented] == []
    assert set(re.findall(r'reason="(\w+)"', expression)) <= set(Reason)
    assert set(re.findall(r'type="(\w+)"', expression)) <= set(FIXED)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_page_with_what_to_look_at_and_what_ends_it(alert: str) -> None:
    page = (ROOT / ALERTS[alert]["annotations"]["runbook"]).read_text()
    assert page.startswith(f"# {alert}\n")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == ["Look at", "What ends it"]


@pytest.mark.go
def test_what_is_scraped_is_there() -> None:
    found = manifests(DEPLOY / "monitoring")
    (endpoint,) = one(found, "PodMonitor", "pluginmgr-sidecars")["spec"]["podMetricsEndpoints"]
    template = pod_template(manifests(DEPLOY / "examples/pvc"))
    assert endpoint["port"] in {port["name"] for port in containers(template)["pluginmgr"]["ports"]}
    (selector,) = one(found, "PodMonitor", "pluginmgr-sidecars")["spec"]["selector"]["matchExpressions"]
    assert selector["key"] in template["metadata"]["labels"]
    aggregator = pod_template(manifests(DEPLOY / "base"))
    (endpoint,) = one(found, "PodMonitor", "pluginmgr-aggregator")["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] in {port["name"] for port in containers(aggregator)["aggregator"]["ports"]}
    labels = one(found, "PodMonitor", "pluginmgr-aggregator")["spec"]["selector"]["matchLabels"]
    assert labels.items() <= aggregator["metadata"]["labels"].items()
