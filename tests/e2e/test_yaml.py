"""The YAML beside a binary, with a whole controller and an adapter of another distribution that reads a rule's."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.proc import is_alive, until_gone
from tests.e2e.rig import Rig
from tests.plugins import of_kinds, zoo

ADAPTER = f"""
import json

from controller.adapters.rule_sidecar import parse
from controller.core.model import Reported
from controller.manager.adapter import Dispensed, PluginAdapter


class YamlAdapter(PluginAdapter):
    plugin_key = "zoo"
    cookie_key = {zoo.COOKIE_KEY!r}
    magic_value = {zoo.COOKIE_VALUE!r}

    async def handshake(self, stub, plugin):
        report = Reported(plugin.metadata.get("id", ""), plugin.metadata.get("display_name", ""))
        return Dispensed(item=stub, reported=report)

    def sidecar(self, text):
        return parse(text)

    def is_enabled(self, plugin):
        return plugin.metadata.get("enabled")

    def workers(self, plugin):
        return plugin.metadata.get("max_procs")
"""
ENTRY_POINTS = """[pluginmgr.adapters]
yaml = yaml_adapter:YamlAdapter
broken = no_such_module:Adapter
"""
AT_ONCE = {"minReadySeconds": 0}


class Rules:
    """A controller whose plugins may have YAML files; every start of a process leaves a line in `starts`."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.starts = rig.root / "starts"

    def install(self, name: str = "rule", program: str = "good", version: str = "") -> Path:
        program_file = zoo.install(program, self.rig.root / "programs", f"{program}{version}", version)
        script = self.rig.root / "script"
        script.write_text(f"#!/bin/sh\necho {name} >> {self.starts}\nexec {program_file}\n", encoding="ascii")
        return zoo.install(script, self.rig.volume, name, version)

    def write(self, text: str, file: str = "rule.yaml") -> Path:
        scratch = self.rig.root / "new.yaml"
        scratch.write_text(text, encoding="utf-8")
        scratch.chmod(0o755)  # as in a ConfigMap with a defaultMode of that kind
        return scratch.replace(self.rig.volume / file)

    def configure(self, *plugins: dict[str, Any], **spec: Any) -> None:
        kind = {"name": "zoo", "adapter": "yaml", "defaults": {"update": AT_ONCE}, "plugins": list(plugins)}
        self.rig.write_config({"kinds": [kind]} | spec)

    def start(self) -> None:
        self.configure()
        self.rig.start()

    def started(self) -> list[str]:
        return self.starts.read_text(encoding="ascii").split() if self.starts.exists() else []

    def yaml_trouble(self, name: str = "rule") -> dict[str, Any]:
        return self.rig.until_condition("Degraded", name, status="True", reason="YamlRejected")


@pytest.fixture
def rules(controller: Rig, tmp_path: Path) -> Iterator[Rules]:
    site = tmp_path / "site"
    info = site / "yaml_adapter-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "yaml_adapter.py").write_text(ADAPTER, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: yaml-adapter\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    controller.env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    return Rules(controller)


def test_the_yaml_gives_identity_and_the_adapter_the_handshake(rules: Rules):
    rules.write("id: one\nname: rule\ndisplay_name: The One\nenabled: true\nmax_procs: 2\n")
    rules.install()
    rules.start()
    entry = rules.rig.until_plugin("rule", lambda each: each["workers"]["ready"] == 2)
    assert (entry["id"], entry["displayName"]) == ("one", "The One")


def test_a_rule_whose_yaml_does_not_enable_it_is_never_started(rules: Rules):
    rules.write("name: rule\n")
    rules.install()
    rules.install("other")
    rules.start()
    rules.rig.until_served("other")
    rules.rig.until_state("rule", "Disabled")
    rules.install("third")  # more looks at the volume change nothing
    rules.rig.until_served("third")
    assert sorted(rules.started()) == ["other", "third"]
    happened = {each["what"] for each in rules.rig.history("rule")}
    assert happened <= {"NotReady", "NotProgressing", "NotDegraded", "UnknownVerified"}


def test_a_rule_that_arrives_disabled_while_all_runs_is_never_started(rules: Rules):
    rules.install("other")
    rules.start()
    rules.rig.until_served("other")
    rules.write("name: rule\n")
    rules.install()
    rules.rig.until_state("rule", "Disabled")
    rules.write("name: rule\nenabled: true\n")
    rules.rig.until_served("rule", deadline=5)
    rules.write("name: rule\nenabled: false\n")
    rules.rig.until_state("rule", "Disabled", deadline=5)
    assert rules.started() == ["other", "rule"]


def test_a_disabled_rule_is_not_started_at_the_beginning_of_a_pause_either(rules: Rules):
    rules.write("name: rule\n")
    rules.install()
    rules.install("other")
    rules.configure(paused=True)
    rules.rig.start()
    rules.rig.until_served("other")
    rules.rig.until_state("rule", "Disabled")
    assert rules.started() == ["other"]


def test_a_disabled_rule_is_not_started_as_it_is_deleted(rules: Rules):
    rules.write("name: rule\n")
    binary = rules.install()
    rules.install("other")
    rules.start()
    rules.rig.until_served("other")
    (rules.rig.volume / "rule.yaml").unlink()
    binary.unlink()
    rules.rig.until(lambda status: [each["name"] for each in status["plugins"]] == ["other"])
    assert rules.started() == ["other"]


def test_a_bad_edit_leaves_the_healthy_one_serving_and_says_why(rules: Rules):
    rules.write("name: rule\nenabled: true\n")
    rules.install()
    rules.start()
    rules.rig.until_served("rule")
    (pid,) = rules.rig.pids("rule")
    rules.write("name: rule\nenabled: maybe\n")
    trouble = rules.yaml_trouble()
    assert trouble["message"] == "rule.yaml: line 2: enabled: must be true or false; it is 'maybe'"
    assert rules.rig.pids("rule") == [pid]
    rules.write("name: rule\nenabled: true\n")
    rules.rig.until_condition("Degraded", "rule", status="False")
    assert rules.rig.pids("rule") == [pid]
    assert rules.started() == ["rule"]


def test_without_a_last_good_one_nothing_starts_and_the_fixed_one_is_taken_at_once(rules: Rules):
    rules.write("name: rule\nmode: canary\nenabled: true\n")
    rules.install()
    rules.start()
    entry = rules.rig.until_state("rule", "Refused")
    assert entry["reason"] == "YamlRejected"
    assert "line 2: mode: this version has no canary" in entry["message"]
    assert not rules.started()
    rules.write("name: rule\nenabled: true\n")
    rules.rig.until_served("rule", deadline=5)


def test_a_fix_of_the_yaml_does_not_wait_out_the_backoff_of_what_failed(rules: Rules):
    rules.write("name: rule\nenabled: true\nversion: 1\n")
    rules.install(program="exits_at_once")
    rules.configure(restart := {"name": "rule", "restart": {"initialDelayMilliseconds": 60000}})
    rules.rig.start()
    rules.rig.until_state("rule", "BackingOff")
    before = len(rules.started())
    rules.write("name: rule\nenabled: true\nversion: 2\n")
    rules.rig.until(lambda _: len(rules.started()) > before, deadline=10)
    assert restart["restart"]["initialDelayMilliseconds"] > 10_000


def test_max_procs_is_changed_in_place_and_other_fields_by_a_swap(rules: Rules):
    rules.write("id: one\nname: rule\nenabled: true\nmax_procs: 1\n")
    rules.install()
    rules.start()
    rules.rig.until_served("rule")
    (first,) = rules.rig.pids("rule")
    rules.write("id: one\nname: rule\nenabled: true\nmax_procs: 2\nmin_procs: 1\n")
    rules.rig.until_plugin("rule", lambda each: each["workers"] == {"ready": 2, "wanted": 2})
    assert first in rules.rig.pids("rule")
    rules.write("id: one\nname: rule\nenabled: true\nmax_procs: 1\n")
    rules.rig.until_plugin("rule", lambda each: each["workers"] == {"ready": 1, "wanted": 1})
    assert rules.rig.pids("rule") == [first]
    rules.write("id: two\nname: rule\nenabled: true\nmax_procs: 1\n")
    rules.rig.until_plugin("rule", lambda each: each.get("id") == "two")
    until_gone(first)


def test_the_pluginconfig_wins_over_the_yaml(rules: Rules):
    rules.write("name: rule\nenabled: true\nmax_procs: 1\n")
    rules.write("name: other\nenabled: false\nmax_procs: 1\n", "other.yaml")
    rules.install()
    rules.install("other")
    rules.configure({"name": "rule", "enabled": False}, {"name": "other", "enabled": True, "workers": 2})
    rules.rig.start()
    rules.rig.until_plugin("other", lambda each: each["workers"]["ready"] == 2)
    rules.rig.until_state("rule", "Disabled")
    assert rules.started() == ["other", "other"]


def test_without_its_yaml_a_rule_runs_as_any_other_plugin(rules: Rules):
    yaml = rules.write("id: one\nname: rule\nenabled: false\n", "rule.yml")
    rules.install()
    rules.start()
    rules.rig.until_state("rule", "Disabled")
    yaml.unlink()
    rules.rig.until_served("rule", deadline=5)


def test_a_failed_plugin_whose_files_are_deleted_is_forgotten(rules: Rules):
    rules.write("name: rule\nenabled: true\n")
    binary = rules.install(program="exits_at_once")
    rules.install("other")
    rules.start()
    rules.rig.until_state("rule", "BackingOff", "CrashLoop")
    binary.unlink()
    rules.rig.until(lambda status: [each["name"] for each in status["plugins"]] == ["other"])
    (rules.rig.volume / "rule.yaml").unlink()
    happened = [each["what"] for each in rules.rig.history("rule")]
    assert "Remove" in happened  # hosts were told
    assert happened[-1] == "Forgotten"
    rules.write("name: rule\nenabled: maybe\n")  # nothing of the former one is remembered
    rules.install(version="2")
    assert rules.rig.until_state("rule", "Refused")["reason"] == "YamlRejected"


def test_a_configmap_of_yamls_is_followed_and_none_of_it_is_run(rules: Rules):
    def mount(number: int, text: str) -> None:
        data = rules.rig.volume / f"..{number}"
        data.mkdir()
        (data / "rule.yaml").write_text(text, encoding="utf-8")
        (data / "rule.yaml").chmod(0o777)
        scratch = rules.rig.volume / "..data_tmp"
        scratch.symlink_to(data.name)
        scratch.replace(rules.rig.volume / "..data")

    mount(1, "id: one\nname: rule\nenabled: true\n")
    (rules.rig.volume / "rule.yaml").symlink_to("..data/rule.yaml")
    rules.install()
    rules.start()
    rules.rig.until_plugin("rule", lambda each: each.get("id") == "one")
    mount(2, "id: two\nname: rule\nenabled: true\n")
    rules.rig.until_plugin("rule", lambda each: each.get("id") == "two", deadline=5)
    assert [each["name"] for each in rules.rig.status()["plugins"]] == ["rule"]


def test_a_bad_yaml_survives_a_restart_of_the_controller_as_a_refusal(rules: Rules):
    rules.write("name: rule\nenabled: true\n")
    rules.install()
    rules.start()
    rules.rig.until_served("rule")
    rules.write("name: [\n")
    rules.yaml_trouble()
    rules.rig.terminate()
    rules.rig.start()
    assert rules.rig.until_state("rule", "Refused")["reason"] == "YamlRejected"


def test_an_unknown_field_is_a_warning_in_the_log(rules: Rules):
    rules.write("name: rule\nenabled: true\nseverty: high\n")
    rules.install()
    rules.start()
    rules.rig.until_served("rule")
    (warning,) = rules.rig.records("plugin YAML")
    assert warning["problem"] == "line 3: severty: no such field; is severity meant?"
    assert (warning["kind"], warning["name"], warning["file"]) == ("zoo", "rule", "rule.yaml")


def test_a_broken_adapter_costs_only_a_config_that_needs_its_handshake(rules: Rules):
    rules.install()
    rules.start()  # with the broken one installed beside
    rules.rig.until_served("rule")
    rules.rig.write_config({"kinds": [{"name": "zoo", "adapter": "broken"}]})
    found = rules.rig.until_condition("ConfigRejected", status="True")
    assert "spec.kinds[zoo].adapter" in found["message"]
    assert "ModuleNotFoundError" in found["message"]
    (pid,) = rules.rig.pids("rule")
    assert is_alive(pid)


def test_metadata_is_nothing_that_a_pluginconfig_can_set(rules: Rules):
    rules.write("id: one\nname: rule\nenabled: true\n")
    rules.install()
    rules.configure({"name": "rule", "metadata": json.dumps({"id": "two"})})
    rules.rig.start()
    rules.rig.until_plugin("rule", lambda each: each.get("id") == "one")


def test_the_bundled_adapter_of_rules_reads_it_and_asks_the_plugin_where_there_is_none(controller: Rig):
    rules = controller.plugins / "rule"
    of_kinds.install("good_rule", rules, "on")
    (rules / "off.yaml").write_text("name: off\n", encoding="utf-8")
    (rules / "on.yaml").write_text("id: beside\nname: on\nenabled: true\n", encoding="utf-8")
    of_kinds.install("good_rule", rules, "off")
    controller.write_config({"kinds": [{"name": "rule", "adapter": "rule", "defaults": {"update": AT_ONCE}}]})
    controller.start()
    assert controller.until_served("rule/on")["id"] == "beside"
    controller.until_state("rule/off", "Disabled")
    (rules / "on.yaml").unlink()
    controller.until_plugin("rule/on", lambda each: each.get("id") == "good-rule")
