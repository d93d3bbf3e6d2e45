"""`pluginmgr logs`, `history` and `restart`."""

import json
import signal
import threading

from controller.cli.client import Controller
from tests.http.fakes import plugin, record


def test_logs_are_one_line_each_whatever_is_in_them(controller):
    controller.keep(
        "rule/good",
        record("listening", "w1", fields={"port": 80, "text": 'a "b"', "list": [1, 2]}),
        record("panic:\n\tmain.go:3\x1b[31m", "w2", level="error"),
    )
    answer = controller.ask("logs", "rule/good")
    assert answer.returncode == 0
    first, second = answer.stdout.splitlines()
    assert first == '2027-01-15 08:00:00.500+00:00 INFO  w1 listening port=80 text="a \\"b\\"" list="[1, 2]"'
    assert second == "2027-01-15 08:00:00.500+00:00 ERROR w2 panic:\\n\\tmain.go:3\\x1b[31m"


def test_previous_logs_are_of_workers_that_are_gone(controller):
    controller.keep("rule/good", record("old", "w1"), record("new", "w2"))
    assert controller.ask("logs", "rule/good", "--previous").stdout.split()[-1] == "old"
    assert len(controller.ask("logs", "rule/good").stdout.splitlines()) == 2


def test_logs_as_json_are_the_records(controller):
    said = record("ünicode\n", fields={"a": 1})
    controller.keep("rule/good", said)
    assert json.loads(controller.ask("logs", "rule/good", "-o", "json").stdout) == said


def test_logs_of_nobody(controller):
    answer = controller.ask("logs", "rule/none")
    assert (answer.returncode, answer.stdout, answer.stderr) == (1, "", "pluginmgr: no plugin rule/none\n")


def test_following_shows_each_line_at_once_until_interrupted(controller, follow):
    controller.keep("rule/good", record("old"))
    process = follow("logs", "rule/good", "-f")
    assert process.stdout.readline().endswith("old\n")
    for message in ("one", "two"):
        controller.say(record(message))
        assert process.stdout.readline().endswith(f"{message}\n")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert process.stderr.read() == ""


def test_a_follower_waits_for_a_silent_plugin_longer_than_for_an_answer(controller, monkeypatch):
    monkeypatch.setattr("controller.cli.client.TIMEOUT", 0.2)
    controller.keep("rule/good", record("old"))
    lines = Controller(controller.state_dir).lines("/logs/rule/good?follow")
    assert next(lines)["message"] == "old"
    threading.Timer(0.8, controller.say, [record("late")]).start()
    assert next(lines)["message"] == "late"


def test_a_follower_hears_of_the_controllers_end(controller, follow):
    controller.keep("rule/good", record("old"))
    process = follow("logs", "rule/good", "-f")
    process.stdout.readline()
    controller.kill()
    assert process.wait(30) == 3
    assert "stopped in the middle of an answer" in process.stderr.read()


def test_history_tells_what_happened_and_why(controller):
    past = [
        {"time": "2027-01-15T08:00:00Z", "plugin": None, "what": "ConfigRead", "reason": "", "message": "generation 3"},
        {
            "time": "2027-01-15T08:00:01Z",
            "plugin": "rule/good",
            "what": "WorkerLost",
            "reason": "Killed",
            "message": "9",
        },
    ]
    controller.remember(*past)
    assert controller.ask("history").stdout.splitlines() == [
        "2027-01-15 08:00:00+00:00  ConfigRead  generation 3",
        "2027-01-15 08:00:01+00:00  rule/good  WorkerLost  Killed: 9",
    ]
    assert len(controller.ask("history", "rule/good").stdout.splitlines()) == 1
    assert [json.loads(line) for line in controller.ask("history", "-o", "json").stdout.splitlines()] == past


def test_restart_asks_for_fresh_workers(controller):
    controller.show(plugin("kind/a b%"))
    answer = controller.ask("restart", "kind/a b%")
    assert (answer.returncode, answer.stdout) == (0, "kind/a b%: fresh workers asked for\n")
    assert controller.read_line() == "restart kind/a b%"
    assert controller.ask("restart", "rule/none").returncode == 1
