"""`pluginmgr status`, as people and programs read it."""

import json
import re
from datetime import UTC, datetime, timedelta

import yaml

from tests.http.fakes import condition, plugin


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def rows(text: str) -> dict[str, list[str]]:
    """The cells of each line, by its first."""
    cells = [re.split(r"  +", line) for line in text.splitlines()]
    return {row[0]: row for row in cells}


def crashing() -> dict:
    return plugin(
        "rule/bad",
        "CrashLoop",
        message="ended with exit code 1",
        restarts=5,
        lastExit={"reason": "Exited", "message": "m", "code": 1, "at": in_seconds(-3)},
        nextRetry=in_seconds(60),
    )


def test_the_table_tells_what_each_plugin_is_doing_and_why(controller):
    controller.show(plugin("rule/good", servingDigest="b" * 64), crashing(), plugin("rule/off", "Disabled"))
    answer = controller.ask("status")
    table = rows(answer.stdout)
    assert answer.stdout.startswith("1/2 ready, generation 3, controller 0.1.0 pid 4242, up ")
    assert table["PLUGIN"] == ["PLUGIN", "STATE", "READY", "VERSION", "RESTARTS", "LAST EXIT", "NEXT RETRY", "MESSAGE"]
    assert table["rule/good"][1:] == ["Serving", "1/1", f"{'b' * 12}->{'a' * 12}", "0", "-", "-", "-"]
    bad = table["rule/bad"]
    assert bad[1:5] == ["CrashLoop", "0/1", "a" * 12, "5"]
    assert re.fullmatch(r"Exited \(code 1\) [2-9]s ago", bad[5])
    assert re.fullmatch(r"in (1m|5\ds)", bad[6])
    assert bad[7] == "ended with exit code 1"
    assert table["rule/off"][1:3] == ["Disabled", "0/0"]
    assert "\x1b" not in answer.stdout


def test_the_exit_code_tells_whether_all_that_is_wanted_is_ready(controller):
    controller.show(plugin("rule/good"), plugin("rule/off", "Disabled"))
    for args in (["status"], ["status", "-o", "json"], ["status", "rule/good"], ["status", "rule/off"]):
        assert controller.ask(*args).returncode == 0
    controller.show(plugin("rule/good"), crashing())
    for args in (["status"], ["status", "-o", "json"], ["status", "rule/bad"]):
        assert controller.ask(*args).returncode == 1
    assert controller.ask("status", "rule/good").returncode == 0


def test_what_is_wrong_with_the_pod_stands_above_the_table(controller):
    fine = condition("VolumeMissing", "False", "AsExpected", "all there")
    controller.show(
        plugin("rule/good"), conditions=(fine, condition("ConfigRejected", "True", "ConfigRejected", "x:1"))
    )
    lines = controller.ask("status").stdout.splitlines()
    assert re.fullmatch(r"! ConfigRejected: x:1 \(ConfigRejected, for \d+d\)", lines[1])
    assert lines[2] == ""
    assert lines[3].startswith("PLUGIN")
    assert "VolumeMissing" not in "".join(lines)


def test_why_a_plugin_serves_with_fewer_workers_than_wanted_is_told(controller):
    controller.show(plugin("rule/good", workers={"ready": 1, "wanted": 2}, message="1 of 2 workers serve"))
    assert rows(controller.ask("status").stdout)["rule/good"][-1] == "1 of 2 workers serve"


def test_a_pod_that_is_not_ready_is_told_once(controller):
    controller.show(crashing(), conditions=(condition("Ready", "False", "NotAllReady", "1 is not"),))
    assert "!" not in controller.ask("status").stdout
    controller.show(conditions=(condition("Ready", "False", "NoConfig", "no config yet"),))
    assert "! Ready: no config yet (NoConfig" in controller.ask("status").stdout


def test_a_pod_without_plugins_says_so(controller):
    controller.show()
    assert "no plugins" in controller.ask("status").stdout


def test_wide_has_ids_processes_and_messages_of_all(controller):
    process = {"worker": "w1", "pid": 77, "phase": "Ready", "digest": "a" * 64, "memory": 50 * 1024 * 1024}
    controller.show(plugin("rule/good", id="failed-login", processes=[process, process | {"pid": 78}]))
    table = rows(controller.ask("status", "-o", "wide").stdout)
    assert table["PLUGIN"][-4:] == ["ID", "PIDS", "MEMORY", "MESSAGE"]
    assert table["rule/good"][-4:] == ["failed-login", "77,78", "100Mi", "all workers are ready"]


def test_json_and_yaml_are_the_document(controller):
    document = controller.show(plugin("rule/good", displayName="ümlaut"), crashing())
    assert json.loads(controller.ask("status", "-o", "json").stdout) == document
    assert yaml.safe_load(controller.ask("status", "-o", "yaml").stdout) == document
    assert json.loads(controller.ask("status", "rule/good", "-o", "json").stdout) == document["status"]["plugins"][0]


def test_one_plugin_is_told_whole(controller):
    controller.show(
        crashing()
        | {
            "id": "failed-login",
            "displayName": "Failed login",
            "processes": [{"worker": "w7", "pid": None, "phase": "Starting", "digest": "c" * 64, "memory": None}],
            "logs": ["first", "last\x1b[2J\nsecond"],
        }
    )
    text = controller.ask("status", "rule/bad").stdout
    table = rows(text)
    assert table["Plugin"][1] == "rule/bad"
    assert table["Reported id"][1] == "failed-login Failed login"
    assert table["Target"][1] == "a" * 64
    assert re.fullmatch(r"Exited \(code 1\) \d+s ago: m", table["Last exit"][1])
    assert "  Ready  False  CrashLoop" in text
    assert "  w7  no pid yet  Starting  cccccccccccc" in text
    assert text.endswith("Last lines\n  first\n  last\\x1b[2J\\nsecond\n")


def test_a_plugin_that_is_not_there_is_unfit(controller):
    answer = controller.ask("status", "rule/none")
    assert (answer.returncode, answer.stderr) == (1, "pluginmgr: no plugin rule/none\n")


def test_nothing_that_a_plugin_says_reaches_the_terminal_as_a_command(controller):
    controller.show(plugin("rule/bad", "CrashLoop", message="\x1b]0;owned\x07 \r\n\x9b2J next\u202eline"))
    text = controller.ask("status").stdout
    assert "\\x1b]0;owned\\x07 \\r\\n\\x9b2J next\\u202eline" in text
