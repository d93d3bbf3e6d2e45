"""The whole of it: a controller with all samples, and the pipeline as a host in another process."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.rig import DEADLINE, Rig
from tests.examples.conftest import EXAMPLES, config
from tests.tools import build

pytestmark = pytest.mark.go

EVENTS = (EXAMPLES / "pipeline/events.jsonl").read_text()
# What the shipped events come to: the failed logins in production, but for the load test's.
FAILED = ["alice", "mallory", "mallory", "bob", "mallory", "root", "dave", "root"]
BRUTE_FORCE = {"mallory": 3, "root": 2}


@contextmanager
def host(controller: Rig, *more: str, **streams: Any) -> Iterator[subprocess.Popen[str]]:
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


def test_the_shipped_events_give_the_alerts_that_they_should(controller: Rig):
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


def test_lines_that_are_no_events_and_events_that_a_rule_cannot_read_cost_themselves_only(controller: Rig):
    broken = json.loads(EVENTS.splitlines()[1]) | {"failures": "many"}
    with host(controller) as process:
        alerts, said = finish(process, "nonsense\n[1]\n" + json.dumps(broken) + "\n" + EVENTS)
    assert len(of("failed-login", alerts)) == len(FAILED)
    assert said.count("no event") == 2
    for rule in ("failed-login", "brute-force-login"):
        assert f"rule/{rule} has no answer for one item: " in said


def pids(controller: Rig, key: str) -> list[int]:
    processes = controller.ask(f"/plugins/{key}")["processes"]
    return [each["pid"] for each in processes if each["phase"] == "Ready"]


def serving(controller: Rig, key: str, **wanted: Any) -> Any:
    """Wait until it serves and is as wanted."""
    kind, _, name = key.partition("/")

    def fits(each: dict[str, Any]) -> bool:
        is_it = each["kind"] == kind and each["name"] == name and each["state"] == "Serving"
        return is_it and wanted.items() <= each.items()

    return controller.until(lambda status: any(map(fits, status["plugins"])))


def swap(controller: Rig, key: str, version: int) -> None:
    """Rename other bytes into place that do the same, and wait until they serve."""
    path = controller.plugins / key
    new = path.with_name(".new")
    new.write_bytes(path.read_bytes() + f"\n# {version}\n".encode())
    new.chmod(0o755)
    new.replace(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    serving(controller, key, servingDigest=digest)


def kill(controller: Rig, key: str) -> None:
    """Kill every worker, and wait until there are new ones."""
    old = pids(controller, key)
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    controller.until(lambda _: len(set(pids(controller, key)) - set(old)) == len(old))


def test_swaps_kills_and_flags_lose_no_event(controller: Rig, tmp_path: Path):
    with (tmp_path / "alerts").open("w") as out, host(controller, stdout=out, stderr=out) as process:
        assert process.stdin
        rounds = 0

        def more() -> None:
            nonlocal rounds
            process.stdin.write(EVENTS * 5)  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            rounds += 5

        for version in range(3):
            for key in ("rule/failed-login", "rule/brute-force-login", "matcher/prod-accounts", "enrichment/geoip"):
                more()
                swap(controller, key, version)
        for key in ("rule/failed-login", "matcher/prod-accounts", "tuning_rule/noisy-hosts", "formatter/json-summary"):
            more()
            kill(controller, key)
        for is_on in (False, True, False, True):
            more()
            flag = {"enabled": is_on}
            controller.write_config(config(formatter__json_summary=flag, enrichment__geoip=flag))
            controller.until_state("json-summary", "Serving" if is_on else "Disabled")
            controller.until_state("geoip", "Serving" if is_on else "Disabled")
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


def test_a_rule_that_is_flagged_off_gives_no_alerts_until_it_is_on_again(controller: Rig):
    with host(controller) as process:
        assert process.stdin
        process.stdin.write(EVENTS)
        process.stdin.flush()
        until_alert(process, "failed-login")
        controller.write_config(config(rule__failed_login={"enabled": False}))
        until_said(process, "rule/failed-login is gone: not evaluated")
        process.stdin.write(EVENTS)
        process.stdin.flush()
        controller.write_config(config())
        until_said(process, "rule/failed-login serves")
        alerts, _ = finish(process, EVENTS)
    assert sum(BRUTE_FORCE.values()) * 3 == sum(counts(of("brute-force-login", alerts)).values())
    assert len(FAILED) <= len(of("failed-login", alerts)) + 1 <= 3 * len(FAILED)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_good_order(controller: Rig, number: int):
    with host(controller, "--pace", "100", stdin=subprocess.DEVNULL) as process:
        until_alert(process, "brute-force-login")
        process.send_signal(number)
        _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert "Traceback" not in said


def test_without_standard_input_the_shipped_events_are_played_again_and_again(controller: Rig):
    with host(controller, "--pace", "200", stdin=subprocess.DEVNULL) as process:
        found = [until_alert(process, "brute-force-login") for _ in range(12)]
    assert max(each["events"] for each in found) > max(BRUTE_FORCE.values())


def test_nobody_who_reads_is_no_failure(controller: Rig):
    with host(controller, "--pace", "200", stdin=subprocess.DEVNULL) as process:
        until_alert(process, "failed-login")
        assert process.stdout
        process.stdout.close()
        assert process.wait(DEADLINE) == 0
        assert process.stderr
        assert "Traceback" not in process.stderr.read()
