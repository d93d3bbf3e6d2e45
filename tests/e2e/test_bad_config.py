"""A bad config, at start and while running: said with its place, and what runs goes on."""

import subprocess
import sys
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import pytest

from tests.e2e.proc import is_alive
from tests.e2e.rig import Rig

HEAD = "apiVersion: pluginmgr.dev/v1alpha1\nkind: PluginConfig\nmetadata: {name: x}\nspec:\n"
HANDSHAKE = "handshake: {cookieKey: A, cookieValue: b, protocolVersions: [1]}"
NOT_YAML = HEAD + "  kinds: [\n"
BAD_FIELD = HEAD + f"  kinds:\n  - name: zoo\n    {HANDSHAKE}\n    plugins:\n    - name: p\n      workers: many\n"
NO_ADAPTER = HEAD + f"  kinds:\n  - name: zoo\n    adapter: unheard-of\n    {HANDSHAKE}\n"
NO_KINDS = HEAD + "  paused: false\n"

BAD = {
    "not-yaml": (NOT_YAML, ":6:1: "),
    "bad-field": (BAD_FIELD, ":10:7: spec.kinds[zoo].plugins[p].workers: "),
    "field-missing": (NO_KINDS, ":4:1: spec.kinds: is missing"),
}


def serving(controller: Rig, **fields: Any) -> int:
    """A controller with one plugin; its pid."""
    controller.install("good", "plugin")
    controller.configure({"plugin": fields})
    controller.start()
    controller.until_served("plugin")
    (pid,) = controller.pids("plugin")
    return pid


def condition(status: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return next(each for each in status["conditions"] if each["type"] == kind)


@pytest.mark.parametrize(("text", "place"), BAD.values(), ids=BAD)
def test_a_bad_config_at_start_ends_it_with_file_line_and_field(controller: Rig, text: str, place: str):
    controller.write_config(text)
    code, said = controller.start_failing()
    assert code == 2
    assert f"pluginmgr: {controller.config}{place}" in said
    assert "Traceback" not in said


def test_an_adapter_that_is_not_installed_ends_it_at_start(controller: Rig):
    controller.write_config(NO_ADAPTER)
    code, said = controller.start_failing()
    assert code == 2
    assert "spec.kinds[zoo].adapter: no adapter unheard-of is installed; there are: enrichment, formatter" in said


def test_at_a_start_with_a_bad_config_the_last_good_one_runs(controller: Rig):
    serving(controller)
    assert controller.terminate() == 0
    controller.write_config(BAD_FIELD)
    controller.start()
    controller.until_served("plugin")
    rejected = controller.until_condition("ConfigRejected", status="True", reason="ConfigRejected")
    assert f"{controller.config}:10:7: spec.kinds[zoo].plugins[p].workers" in rejected["message"]


def test_a_bad_edit_changes_nothing_and_is_logged_once(controller: Rig):
    pid = serving(controller)
    for _ in range(3):
        controller.write_config(NOT_YAML)
        rejected = controller.until_condition("ConfigRejected", status="True", reason="ConfigRejected")
    assert f"{controller.config}:6:1" in rejected["message"]
    assert controller.pids("plugin") == [pid]
    controller.configure({"plugin": {"workers": 2}})
    controller.until_condition("ConfigRejected", status="False")
    controller.until(lambda _: len(controller.pids("plugin")) == 2)
    assert pid in controller.pids("plugin")
    assert len(controller.records("config not usable")) == 1


def test_another_error_in_a_bad_config_is_told(controller: Rig):
    pid = serving(controller)
    controller.write_config(NOT_YAML)
    controller.until(lambda status: ":6:1" in condition(status, "ConfigRejected")["message"])
    controller.write_config(BAD_FIELD)
    controller.until(lambda status: "many" in condition(status, "ConfigRejected")["message"])
    assert controller.pids("plugin") == [pid]


def test_a_deleted_config_changes_nothing(controller: Rig):
    pid = serving(controller)
    text = controller.config.read_text(encoding="utf-8")
    controller.config.unlink()
    missing = controller.until_condition("ConfigMissing", status="True", reason="ConfigMissing")
    assert str(controller.config) in missing["message"]
    assert controller.pids("plugin") == [pid]
    controller.write_config(text)
    controller.until_condition("ConfigMissing", status="False")
    assert controller.pids("plugin") == [pid]


def test_at_a_start_with_a_deleted_config_the_last_good_one_runs(controller: Rig):
    serving(controller)
    assert controller.terminate() == 0
    controller.config.unlink()
    controller.start()
    controller.until_served("plugin")
    controller.until_condition("ConfigMissing", status="True")


def test_a_start_without_any_config_runs_nothing_and_is_not_ready(controller: Rig):
    controller.install("good", "plugin")
    controller.start()
    status = controller.until(lambda status: status["conditions"])
    assert (status["ready"], status["plugins"]) == (False, [])
    assert condition(status, "Ready")["reason"] == "NoConfig"
    assert controller.http("/readyz")[0] == 503
    controller.configure({})
    controller.until_served("plugin")
    assert controller.http("/readyz") == (200, "ok\n")


def test_an_unknown_field_is_a_warning_and_no_more(controller: Rig):
    serving(controller, workers=1, wrokers=2)
    (warning,) = controller.records("config warning")
    line = 1 + next(
        number
        for number, text in enumerate(controller.config.read_text(encoding="utf-8").splitlines())
        if "wrok" in text
    )
    assert f"{controller.config}:{line}:" in warning["problem"]
    assert "spec.kinds[zoo].plugins[plugin].wrokers" in warning["problem"]


def test_canary_and_shadow_are_unknown_fields_which_run_warns_of_and_validate_refuses(controller: Rig):
    serving(controller, mode="canary", rolloutPercent=10, shadow=True)
    names = {f"spec.kinds[zoo].plugins[plugin].{each}" for each in ("mode", "rolloutPercent", "shadow")}
    warned = {each["problem"].split(": ")[1] for each in controller.records("config warning")}
    assert warned == names
    command = [sys.executable, "-m", "controller", "validate", str(controller.config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert {line.split(": ")[1] for line in done.stdout.splitlines()} == names


def test_other_bytes_than_the_pinned_are_not_started_while_the_old_version_serves(controller: Rig):
    path = controller.install("good", "plugin")
    good = sha256(path.read_bytes()).hexdigest()
    controller.configure({"plugin": {"sha256": [good]}})
    controller.start()
    controller.until_served("plugin", good)
    controller.until_condition("Verified", "plugin", status="True", reason="PinMatched")
    (pid,) = controller.pids("plugin")
    other = controller.install("good", "plugin", version="2")
    controller.until_condition("Verified", "plugin", status="False", reason="DigestMismatch")
    entry = controller.until_served("plugin", good)
    assert {each["reason"] for each in entry["conditions"]} == {"Serving", "DigestMismatch"}
    assert controller.pids("plugin") == [pid]
    controller.configure({"plugin": {"sha256": [good, sha256(other.read_bytes()).hexdigest()]}})
    controller.until_condition("Verified", "plugin", status="True", reason="PinMatched")
    controller.until_served("plugin", sha256(other.read_bytes()).hexdigest())
    controller.until(lambda _: not is_alive(pid))


def test_bytes_that_were_never_pinned_are_never_started(controller: Rig):
    controller.install("good", "plugin")
    controller.configure({"plugin": {"sha256": ["0" * 64], "required": True}})
    controller.start()
    entry = controller.until_state("plugin", "Refused")
    assert entry["reason"] == "DigestMismatch"
    assert controller.plugin("plugin")["processes"] == []
    assert "required zoo/plugin has not served yet" in controller.http("/readyz")[1]
