"""The whole of it: a controller with all samples, and the pipeline as a host in another process."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from controller.testing import LocalMode
from controller.testing.answers import DEADLINE
from tests.examples.conftest import EXAMPLES
from tests.tools import build

pytestmark = pytest.mark.go

EVENTS = (EXAMPLES / "pipeline/events.jsonl").read_text()
# What the shipped events come to: the failed logins in production, but for the load test's.
FAILED = ["alice", "mallory", "mallory", "bob", "mallory", "root", "dave", "root"]
BRUTE_FORCE = {"mallory": 3, "root": 2}


@contextmanager
def host(controller: LocalMode, *more: str, **streams: Any) -> Iterator[subprocess.Popen[str]]:
    """The pipeline, with the patience that a busy machine needs."""
    command = [sys.executable, "-m", "examples.pipeline", "--run-dir", str(controller.run), "--patience", "30", *more]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    with subprocess.Popen(command, cwd=build.ROOT, text=True, **streams) as process:
        try:
            yield process
        finally:
            process.kill()


def finish(process: subprocess.Popen[str], events: str = "") -> tuple[list[dict[str, Any]], str]:
    """Give it the last events; all alerts, and what it said."""
    out, err = process.communicate(events, timeout=DEADLINE)
    assert process.returncode == 0, err
    return [json.loads(line) for line in out.splitlines()], err


def of(rule: str, alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in alerts if each["rule"] == rule]


def counts(alerts: list[dict[str, Any]]) -> dict[str, int]:
    """How many events each alert stands for in the end, by its id."""
    return {each["id"]: each["events"] for each in alerts}  # it only grows


def until_said(process: subprocess.Popen[str], line: str) -> None:
    assert process.stderr
    for said in process.stderr:
        if line in said:
            return
    raise AssertionError(f"it ended without saying {line!r}")


def until_alert(process: subprocess.Popen[str], rule: str) -> dict[str, Any]:
    assert process.stdout
    return next(found for line in process.stdout if (found := json.loads(line))["rule"] == rule)


def test_the_shipped_events_give_the_alerts_that_they_should(controller: LocalMode):
    with host(controller) as process:
        alerts, said = finish(process, EVENTS)
    assert [each["title"].rpartition(" ")[2] for each in of("failed-login", alerts)] == FAILED
    merged = of("brute-force-login", alerts)
    assert {re.search(r"of (\w+)", each["title"])[1]: each["events"] for each in merged} == BRUTE_FORCE  # type: ignore[index]
    by_title = {each["title"]: each for each in alerts}
    mallory = by_title["Many failed logins of mallory from 203.0.113.7"]
    assert mallory | {"id": ""} == {
        "rule": "brute-force-login",
        "title": "Many failed logins of mallory from 203.0.113.7",
        "severity": "critical",
        "confidence": "medium",
        "events": 3,
        "country": "AQ",
        "country_risk": "high",
        "tags": ["attack.t1110", "attack.credential_access"],
        "id": "",
    }
    assert [each["severity"] for each in of("failed-login", alerts)].count("high") == 2
    assert by_title["Failed login of alice"]["country_risk"] == "low"
    assert len(re.findall("serves", said)) == 7


def test_lines_that_are_no_events_and_events_that_a_rule_cannot_read_cost_themselves_only(controller: LocalMode):
    broken = json.loads(EVENTS.splitlines()[1]) | {"failures": "many"}
    with host(controller) as process:
        alerts, said = finish(process, "nonsense\n[1]\n" + json.dumps(broken) + "\n" + EVENTS)
    assert len(of("failed-login", alerts)) == len(FAILED)
    assert said.count("no event") == 2
    for rule in ("failed-login", "brute-force-login"):
        assert f"rule/{rule} has no answer for one item: " in said


def kill(controller: LocalMode, key: str) -> None:
    """Kill every worker, and wait until there are new ones."""
    old = controller.pids(key)
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    controller.until(lambda _: len(set(controller.pids(key)) - set(old)) == len(old))


def test_swaps_kills_and_flags_lose_no_event(controller: LocalMode, tmp_path: Path):
    with (tmp_path / "alerts").open("w") as out, host(controller, stdout=out, stderr=out) as process:
        assert process.stdin
        rounds = 0

        def more() -> None:
            nonlocal rounds
            process.stdin.write(EVENTS * 5)  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            rounds += 5

        for _ in range(3):
            for key in ("rule/failed-login", "rule/brute-force-login", "matcher/prod-accounts", "enrichment/geoip"):
                more()
                controller.until_served(key, controller.swap(key))
        for key in ("rule/failed-login", "matcher/prod-accounts", "tuning_rule/noisy-hosts", "formatter/json-summary"):
            more()
            kill(controller, key)
        for is_on in (False, True, False, True):
            more()
            for key in ("formatter/json-summary", "enrichment/geoip"):
                controller.flag(key, enabled=is_on)
                controller.until_state(key, "Serving" if is_on else "Disabled")
        more()
        process.stdin.close()
        assert process.wait(DEADLINE) == 0
    lines = (tmp_path / "alerts").read_text().splitlines()
    said = [line for line in lines if line.startswith("--")]
    alerts = [json.loads(line) for line in lines if not line.startswith("--")]
    assert not [line for line in said if "no answer" in line or "failed" in line.replace("failed-login", "")]
    assert sum(counts(of("failed-login", alerts)).values()) == rounds * len(FAILED)
    assert sorted(counts(of("brute-force-login", alerts)).values()) == sorted(
        rounds * each for each in BRUTE_FORCE.values()
    )


def test_a_rule_that_is_flagged_off_gives_no_alerts_until_it_is_on_again(controller: LocalMode):
    with host(controller) as process:
        assert process.stdin
        feed = process.stdin
        seen: list[dict[str, Any]] = []

        def bring(until: Callable[[], bool]) -> None:
            feed.write(EVENTS)
            feed.flush()
            while not until():
                seen.append(json.loads(process.stdout.readline()))  # type: ignore[union-attr]

        bring(lambda: len(of("failed-login", seen)) == len(FAILED))
        controller.flag("rule/failed-login", enabled=False)
        until_said(process, "rule/failed-login is gone: not evaluated")
        twice = sorted(2 * each for each in BRUTE_FORCE.values())
        bring(lambda: sorted(counts(of("brute-force-login", seen)).values()) == twice)
        controller.flag("rule/failed-login", enabled=True)
        until_said(process, "rule/failed-login serves")
        alerts, _ = finish(process, EVENTS)
    assert len(of("failed-login", seen + alerts)) == 2 * len(FAILED)
    assert sum(counts(of("brute-force-login", seen + alerts)).values()) == 3 * sum(BRUTE_FORCE.values())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_good_order(controller: LocalMode, number: int):
    with host(controller, "--pace", "100", stdin=subprocess.DEVNULL) as process:
        until_alert(process, "brute-force-login")
        process.send_signal(number)
        _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert "Traceback" not in said


def test_without_standard_input_the_shipped_events_are_played_again_and_again(controller: LocalMode):
    with host(controller, "--pace", "200", stdin=subprocess.DEVNULL) as process:
        found = [until_alert(process, "brute-force-login") for _ in range(12)]
    assert max(each["events"] for each in found) > max(BRUTE_FORCE.values())


def test_nobody_who_reads_is_no_failure(controller: LocalMode):
    with host(controller, "--pace", "200", stdin=subprocess.DEVNULL) as process:
        until_alert(process, "failed-login")
        assert process.stdout
        process.stdout.close()
        assert process.wait(DEADLINE) == 0
        assert process.stderr
        assert "Traceback" not in process.stderr.read()
