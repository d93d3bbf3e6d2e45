"""A version that is no good costs no idempotent call: the old one serves on or comes back, and a fixed one is taken."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.calls.load import HOSTS, Host, host
from tests.calls.moves import SWIFT
from tests.calls.test_changes import served
from tests.e2e.rig import Rig

pytestmark = [pytest.mark.go, pytest.mark.slow]
AT_ONCE = 10.0  # seconds, generous: any of the delays that a failed version waits for is longer
LOOPING = {"restart": {"calmSeconds": 60, "initialDelayMilliseconds": 10, "maxDelaySeconds": 60}}


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


@contextmanager
def under_load(controller: Rig, language: str) -> Iterator[Host]:
    """A host with idempotent calls, of which none may have failed at the end."""
    with host(language, controller.run, "zoo/called", "--idempotent", "--timeout", "30s") as load:
        yield load
        final = load.quit()
    assert (final["failed"], final["failures"]) == (0, [])


def reasons(controller: Rig) -> set[tuple[str, str]]:
    """What the history says of the plugin: (what, reason)."""
    return {(each["what"], each["reason"]) for each in controller.history("called")}


def is_whole(entry: dict[str, Any]) -> bool:
    return bool(entry["workers"]["ready"] == entry["workers"]["wanted"])


@pytest.mark.parametrize("language", HOSTS)
def test_a_version_that_cannot_start_costs_no_call(controller: Rig, language: str):
    moves = served(controller, "echo", restart={"initialDelayMilliseconds": 60000})
    good = controller.until_served("called")["servingDigest"]
    with under_load(controller, language) as load:
        before = moves.all("called").keys()
        controller.install("exits_at_once", "called")
        controller.until_condition("Progressing", "called", status="False", reason="BackingOff")
        assert controller.until_plugin("called", is_whole)["servingDigest"] == good
        assert before <= moves.all("called").keys()
        assert load.mark("stuck")["calls"] > 0
        fixed = digest(controller.install("echo", "called", version="fixed"))
        controller.until_served("called", fixed, AT_ONCE)
    assert {("NotProgressing", "BackingOff"), ("WorkerLost", "ExitedBeforeHandshake")} <= reasons(controller)


@pytest.mark.parametrize("language", HOSTS)
def test_a_version_that_crashes_in_its_probation_costs_no_idempotent_call(controller: Rig, language: str):
    served(controller, "echo", **LOOPING)
    good = controller.until_served("called")["servingDigest"]
    controller.flag("called", update=SWIFT["update"] | {"probationSeconds": 60})
    with under_load(controller, language):
        bad = digest(controller.install("crashes", "called"))
        controller.until_plugin("called", lambda each: each.get("servingDigest") == bad)
        controller.until_condition("Degraded", "called", status="True", reason="RolledBack")
        back = controller.until_plugin("called", lambda each: each.get("servingDigest") == good and is_whole(each))
        assert back["targetDigest"] == good
        fixed = digest(controller.install("echo", "called", version="fixed"))
        controller.until_served("called", fixed, AT_ONCE)
    assert ("Degraded", "RolledBack") in reasons(controller)
