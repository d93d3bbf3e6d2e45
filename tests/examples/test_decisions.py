"""The parts of the pipeline that only decide: about, alerts, merge, order, route."""

import json
from typing import Any

import pytest

from controller.kinds.pb.common_pb2 import SEVERITY_CRITICAL, SEVERITY_HIGH, SEVERITY_LOW, Alert
from controller.kinds.pb.rule_pb2 import Evaluation
from controller.kinds.pb.tuning_rule_pb2 import TuningAction
from examples.pipeline import about, alerts, order, route
from examples.pipeline.about import About
from examples.pipeline.events import Event
from examples.pipeline.merge import Merger

HOUR = 3600.0
RULE = About("rule/r", merge_window_minutes=60)


def event(**fields: Any) -> Event:
    return Event(json.dumps(fields), fields)


def alert(number: int = 1, keys: tuple[str, ...] = ("user.name",), severity: int = SEVERITY_LOW) -> Alert:
    return Alert(id=str(number), merge_by_keys=keys, events=1, severity=severity)


# --- about


def test_metadata_are_read():
    text = json.dumps(
        {
            "identity": {"id": "x", "name": "r", "display_name": "R", "enabled": True},
            "severity": "SEVERITY_HIGH",
            "merge_by_keys": ["a.b"],
            "merge_window_minutes": 5,
        }
    )
    found = about.read("rule/r", text)
    assert (found.id, found.display_name, found.is_enabled) == ("x", "R", True)
    assert (found.severity, found.merge_by_keys, found.merge_window_minutes) == (SEVERITY_HIGH, ("a.b",), 5)


def test_who_says_that_it_is_not_enabled_is_believed():
    assert not about.read("rule/r", json.dumps({"identity": {"id": "x", "enabled": False}})).is_enabled


def test_a_plugin_without_metadata_has_defaults():
    assert about.read("rule/r", "") == About("rule/r")


# --- route

MATCHERS = {"global": About("matcher/global", is_global=True), "named": About("matcher/named")}
BATCH = [event(log_type="auth", n=0), event(log_type="dns", n=1), event(log_type="auth", n=2, user={"name": "u"})]


def seen(rule: About, verdicts: dict[str, list[bool]] | None = None) -> list[int]:
    return [each.get("n") for each in route.events_for(rule, BATCH, MATCHERS, verdicts or {})]


def test_a_rule_sees_its_log_types():
    assert seen(About("rule/r")) == [0, 1, 2]
    assert seen(About("rule/r", log_types=("auth",))) == [0, 2]


def test_a_rule_sees_events_that_have_what_it_needs():
    assert seen(About("rule/r", req_subkeys=("user.name",))) == [2]


def test_all_matchers_of_a_rule_must_pass_an_event():
    verdicts = {"global": [True, True, False], "named": [False, True, True]}
    assert seen(About("rule/r"), verdicts) == [0, 1]
    assert seen(About("rule/r", matchers=("named",)), verdicts) == [1]


def test_a_matcher_that_is_switched_off_holds_nothing_back():
    assert seen(About("rule/r", matchers=("named", "gone")), {"global": [True, True, False]}) == [0, 1]


# --- merge


def test_alerts_that_agree_are_one_with_a_count_and_the_highest_severity():
    matches = [(RULE, event(user={"name": "u"}), alert(number, severity=number)) for number in (2, 5, 3)]
    ((rule, merged),) = Merger().merge(matches, 0.0)
    assert rule is RULE
    assert (merged.id, merged.events, merged.severity) == ("2", 3, SEVERITY_CRITICAL)


def test_an_alert_comes_again_when_it_has_grown_in_a_later_batch():
    merger, match = Merger(), (RULE, event(user={"name": "u"}))
    ((_, first),) = merger.merge([(*match, alert(1))], 0.0)
    assert merger.merge([], 1.0) == []
    ((_, second),) = merger.merge([(*match, alert(2))], 2.0)
    assert [(each.id, each.events) for each in (first, second)] == [("1", 1), ("1", 2)]


def test_a_window_closes():
    merger, match = Merger(), (RULE, event(user={"name": "u"}))
    merger.merge([(*match, alert(1))], 0.0)
    ((_, second),) = merger.merge([(*match, alert(2))], HOUR)
    assert (second.id, second.events) == ("2", 1)


def test_what_is_done_to_an_alert_later_is_not_remembered():
    merger, match = Merger(), (RULE, event(user={"name": "u"}))
    merger.merge([(*match, alert(1))], 0.0)[0][1].context_json = "{}"
    assert merger.merge([(*match, alert(2))], 1.0)[0][1].context_json == ""


@pytest.mark.parametrize(
    ("other", "fields", "keys"),
    [
        (RULE, {"user": {"name": "v"}}, ("user.name",)),
        (RULE, {"user": {}}, ("user.name",)),
        (RULE, {"user": {"name": "u"}}, ()),
        (RULE, {"user": {"name": "u"}, "a": 1}, ("user.name", "a")),
        (About("rule/other", merge_window_minutes=60), {"user": {"name": "u"}}, ("user.name",)),
        (About("rule/r"), {"user": {"name": "u"}}, ("user.name",)),
    ],
    ids=["another value", "no value", "no keys", "other keys", "another rule", "no window"],
)
def test_alerts_that_differ_stay_apart(other: About, fields: dict[str, Any], keys: tuple[str, ...]):
    first = (RULE, event(user={"name": "u"}), alert(1))
    found = Merger().merge([first, (other, event(**fields), alert(2, keys))], 0.0)
    assert [(each.id, each.events) for _, each in found] == [("1", 1), ("2", 1)]


# --- order


def enrichments(**depends_on: str) -> dict[str, About]:
    return {name: About(f"enrichment/{name}", depends_on=tuple(some.split())) for name, some in depends_on.items()}


@pytest.mark.parametrize(
    ("names", "listed", "expected"),
    [
        ("a", {"a": "b", "b": "c", "c": ""}, "c b a"),
        ("a", {"a": "b", "b": "gone"}, ""),
        ("a d", {"a": "gone", "d": ""}, "d"),
        ("gone", {"a": ""}, ""),
        ("", {"a": ""}, ""),
    ],
    ids=["dependencies first", "nothing without what it needs", "others as they are", "unknown", "none"],
)
def test_enrichments_go_in_the_order_of_their_needs(names: str, listed: dict[str, str], expected: str):
    assert [each.name for each in order.needed(names.split(), enrichments(**listed))] == expected.split()


def test_enrichments_that_wait_for_each_other_are_told_of_and_skipped():
    said: list[str] = []
    left = order.without_cycles(enrichments(a="b", b="a", c="", d="a"), said.append)
    assert "a" not in left
    assert [each.name for each in order.needed(["a", "b", "c", "d"], left)] == ["c"]
    assert len(said) == 1


# --- alerts


def test_what_a_match_does_not_say_its_rule_does():
    rule = About("rule/r", id="x", display_name="R", severity=SEVERITY_LOW, tags=("t",), merge_by_keys=("a",))
    made = alerts.of_match(rule, event(log_type="auth"), Evaluation(matched=True), "1", 2.5)
    assert (made.rule_id, made.rule_name, made.title, made.severity) == ("x", "r", "R", SEVERITY_LOW)
    assert (made.log_type, made.created_unix_milliseconds, made.events) == ("auth", 2500, 1)
    assert (list(made.tags), list(made.merge_by_keys)) == (["t"], ["a"])


def test_what_a_match_says_goes_before():
    rule = About("rule/r", severity=SEVERITY_LOW, merge_by_keys=("a",))
    found = Evaluation(matched=True, title="T", severity=SEVERITY_HIGH, merge_by_keys=["b"])
    made = alerts.of_match(rule, event(), found, "1", 0)
    assert (made.title, made.severity, list(made.merge_by_keys)) == ("T", SEVERITY_HIGH, ["b"])


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        (TuningAction.TUNING_ACTION_SET_CONFIDENCE, 2, 4),
        (TuningAction.TUNING_ACTION_INCREASE_CONFIDENCE, 2, 3),
        (TuningAction.TUNING_ACTION_INCREASE_CONFIDENCE, 5, 5),
        (TuningAction.TUNING_ACTION_DECREASE_CONFIDENCE, 2, 1),
        (TuningAction.TUNING_ACTION_DECREASE_CONFIDENCE, 1, 1),
        (TuningAction.TUNING_ACTION_UNSPECIFIED, 2, 2),
    ],
)
def test_a_tuning_rule_changes_the_confidence(action: int, before: int, after: int):
    tuned = Alert(confidence=before)
    assert alerts.tune(tuned, About("tuning_rule/t", action=action, confidence=4))
    assert tuned.confidence == after


def test_a_tuning_rule_may_ignore_an_alert():
    assert not alerts.tune(Alert(), About("tuning_rule/t", action=TuningAction.TUNING_ACTION_IGNORE))


def test_without_a_formatter_all_of_an_alert_is_on_one_line():
    shown = alerts.plain(Alert(id="1", severity=SEVERITY_HIGH, event_json='{"a":\n1}', context_json='{"b": 2}'))
    assert "\n" not in shown
    found = json.loads(shown)
    assert (found["id"], found["severity"], found["event"], found["context"]) == ("1", "high", {"a": 1}, {"b": 2})
