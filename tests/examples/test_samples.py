"""What each sample makes of one event or alert: its hook, called without a process."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.adapters.rule import RuleAdapter
from controller.kinds import Alert, Confidence, Severity
from examples.python.brute_force_login import BruteForceLogin
from examples.python.country_risk import CountryRisk
from examples.python.json_summary import JsonSummary
from examples.python.prod_accounts import ProdAccounts
from tests.tools import build

EXAMPLES = build.ROOT / "examples"
LOGIN = {"action": "login", "outcome": "failure", "user": {"name": "mallory"}, "source": {"ip": "203.0.113.7"}}
ALERT = Alert(
    id="1",
    rule_id="failed-login",
    rule_name="failed-login",
    title="Failed login of mallory",
    description="",
    severity=Severity.HIGH,
    confidence=Confidence.VERY_LOW,
    log_type="auth",
    created_unix_milliseconds=0,
    merge_by_keys=(),
    events=3,
    tags=("attack.t1078",),
    enrichments=(),
    event=LOGIN,
    context={"country": "AQ", "user": "mallory"},
)


@pytest.mark.go
def test_the_go_half_passes_its_own_tests():
    done = subprocess.run(
        [build.go(), "test", "./..."], cwd=EXAMPLES / "go", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("failures", "severity"), [(5, Severity.UNSPECIFIED), (49, Severity.UNSPECIFIED), (50, Severity.CRITICAL)]
)
def test_many_failed_logins_are_brute_force(failures: int, severity: Severity):
    found = BruteForceLogin().evaluate({**LOGIN, "failures": failures})
    assert found is not None
    assert found.title == "Many failed logins of mallory from 203.0.113.7"
    assert found.severity is severity
    assert found.context == {"user": "mallory", "source_ip": "203.0.113.7", "failures": failures}


@pytest.mark.parametrize(
    "event",
    [
        LOGIN,
        {**LOGIN, "failures": 4},
        {**LOGIN, "failures": 40, "outcome": "success"},
        {**LOGIN, "failures": 40, "action": "logout"},
    ],
)
def test_else_there_is_no_brute_force(event: dict[str, Any]):
    assert BruteForceLogin().evaluate(event) is None


def test_how_many_failures_are_many_is_configurable():
    rule = BruteForceLogin()
    rule.config = {"many": 3}
    assert rule.evaluate({**LOGIN, "failures": 3})


def test_the_yaml_beside_the_rule_is_fit_and_merges_by_source_and_user_for_an_hour():
    metadata = RuleAdapter().sidecar((EXAMPLES / "python/brute-force-login.yaml").read_text())
    assert metadata["enabled"]
    assert metadata["name"] == BruteForceLogin.name
    assert (metadata["merge_by_keys"], metadata["merge_window_mins"]) == (["source.ip", "user.name"], 60)


@pytest.mark.parametrize(
    ("event", "passes"),
    [
        ({"environment": "prod", "account": "shop"}, True),
        ({"environment": "staging", "account": "payments"}, True),
        ({"environment": "staging", "account": "shop"}, False),
        ({}, False),
    ],
)
def test_what_is_in_production_passes(event: dict[str, Any], *, passes: bool):
    matcher = ProdAccounts()
    matcher.config = {"environments": ["prod"], "accounts": ["payments"]}
    assert matcher.match(event) is passes


@pytest.mark.parametrize(
    ("context", "risk"), [({"country": "NL"}, "low"), ({"country": "AQ"}, "high"), ({"user": "mallory"}, "unknown")]
)
def test_an_unusual_country_is_a_risk(context: dict[str, Any], risk: str):
    assert CountryRisk().enrich(replace(ALERT, context=context)) == {"country_risk": risk}


def test_a_summary_is_flat_and_leaves_out_what_nobody_found():
    assert JsonSummary().format(ALERT) == {
        "rule": "failed-login",
        "title": "Failed login of mallory",
        "severity": "high",
        "confidence": "very_low",
        "events": 3,
        "country": "AQ",
        "tags": ["attack.t1078"],
        "id": "1",
    }


def test_a_sample_is_one_file_that_needs_nothing_but_the_sdk():
    for program in sorted((EXAMPLES / "python").glob("*.py")):
        imports = [line for line in program.read_text().splitlines() if line.startswith(("import ", "from "))]
        assert set(imports) <= {"from typing import Any", next(each for each in imports if "controller.kinds" in each)}


@pytest.mark.go
def test_the_config_names_only_samples_that_are_built(samples: Path):
    spec = yaml.safe_load((EXAMPLES / "local/pluginconfig.yaml").read_text())["spec"]
    named = {f"{kind['name']}/{each['name']}" for kind in spec["kinds"] for each in kind.get("plugins", [])}
    assert named <= {f"{each.parent.name}/{each.name}" for each in samples.glob("*/*")}
    assert {kind["name"] for kind in spec["kinds"]} == {each.name for each in samples.iterdir()}
