"""What the status of a PluginConfig says of its pods."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from controller.config.schema import PLUGIN_CONFIGS, json_schema, open_api_schema
from controller.core.reasons import Reason
from controller.kube.report import MESSAGE, Reader, Report
from controller.kube.summary import PLUGINS, ConfigSeen, config_seen, is_same, is_urgent, summary
from controller.kube.tally import Tally
from tests.kube.reported import condition, disabled, failing, plugin, pod_status, starting

VALIDATOR = Draft202012Validator(json_schema(open_api_schema(PLUGIN_CONFIGS)["properties"]["status"]))
NOW = "2026-11-24T12:00:09Z"


def report(*arguments, **words) -> Report:
    return Reader().read(pod_status(*arguments, **words))


def counted(*reports: Report) -> Tally:
    tally = Tally()
    for each in reports:
        tally.add(each)
    return tally


def seen(generation=1, status=None, uid="c1") -> ConfigSeen:
    return ConfigSeen("rules", uid, generation, "9", status or {})


def says(*reports: Report, config=None):
    return summary(counted(*reports), config or seen(), NOW)


def ready_condition(status):
    return next(each for each in status["conditions"] if each["type"] == "Ready")


def words(status) -> dict[str, tuple[str, str]]:
    return {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}


# --- counts


def test_pods_are_counted_by_what_is_true_of_them():
    status = says(
        report("a", plugin("x"), plugin("y")),
        report("b", plugin("x"), failing("y")),
        report("c", plugin("x"), starting("y")),
        report("d", plugin("x"), disabled("y"), generation=0),
    )
    assert status["pods"] == {"total": 4, "ready": 2, "failed": 1, "outdated": 1}
    assert status["ready"] == "2/4"
    assert status["plugins"] == [
        {"kind": "rule", "name": "x", "pods": 4, "ready": 4, "failed": 0, "degraded": 0},
        {
            "kind": "rule",
            "name": "y",
            "pods": 4,
            "ready": 1,
            "failed": 1,
            "degraded": 0,
            "reasons": [
                {"reason": "CrashLoop", "pods": 1},
                {"reason": "Disabled", "pods": 1},
                {"reason": "Starting", "pods": 1},
            ],
        },
    ]


def test_a_plugin_that_serves_but_not_as_wanted_is_ready_and_degraded():
    rolled_back = plugin("x", degraded="RolledBack")
    short = plugin("x", "False", "PartlyReady", degraded="PartlyReady")
    status = says(report("a", rolled_back), report("b", short))
    assert status["plugins"][0] | {"reasons": []} == {
        "kind": "rule",
        "name": "x",
        "pods": 2,
        "ready": 1,
        "failed": 0,
        "degraded": 2,
        "reasons": [],
    }
    assert [each["reason"] for each in status["failures"]] == ["PartlyReady", "RolledBack"]
    assert words(status)["Degraded"] == ("True", "PartlyReady")


def test_what_is_wrong_with_a_whole_pod_is_counted_and_shown_without_a_plugin():
    rejected = condition("ConfigRejected", "True", "ConfigRejected", "spec.kinds[0]: no")
    status = says(report("a", plugin("x"), generation=1, conditions=(rejected,)), config=seen(2))
    assert status["pods"]["reasons"] == [{"reason": "ConfigRejected", "pods": 1}]
    assert status["failures"] == [{"pod": "a", "reason": "ConfigRejected", "message": "spec.kinds[0]: no"}]
    assert ready_condition(status)["message"] == (
        "1 of 1 pod has not taken over generation 2 yet: ConfigRejected in 1 pod"
    )


@pytest.mark.parametrize("kind", ["Paused", "Truncated"])
def test_what_is_meant_so_is_no_trouble(kind):
    status = says(report("a", plugin("x"), conditions=(condition(kind, "True", kind),)))
    assert words(status)["Ready"] == ("True", "AllReady")
    assert status["failures"] == []


def test_a_pod_on_its_way_out_follows_nothing_any_more():
    leaving = report("b", failing("x"), ready=False, reason="ShuttingDown")
    assert says(report("a", plugin("x")), leaving) == says(report("a", plugin("x")))


def test_a_status_that_says_nothing_yet_is_a_pod_that_is_behind():
    document = pod_status("a")
    document["status"] = {}
    read = Reader().read(document)
    assert read.config == "rules"  # by its label
    assert says(read)["pods"] == {"total": 1, "ready": 0, "failed": 0, "outdated": 1}


# --- which generation


def test_a_pod_of_an_older_generation_or_of_a_config_with_another_uid_is_outdated():
    pods = [
        report("a", plugin("x"), generation=4),
        report("b", plugin("x"), generation=5),
        report("c", plugin("x"), generation=6),  # it was faster than our own watch
        report("d", plugin("x"), generation=9, config_uid="c0"),
    ]
    status = says(*pods, config=seen(5))
    assert status["observedGeneration"] == 5
    assert status["pods"]["outdated"] == 2
    assert {each["observedGeneration"] for each in status["conditions"]} == {5}


def test_a_scrape_may_count_in_its_own_thread_while_pods_come():
    tally = counted(report("a", plugin("x"), generation=4))

    class Moving(str):
        __slots__ = ()

        def __eq__(self, other):
            tally.generations["c9", len(tally.generations)] += 1  # as another thread does
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    assert tally.outdated(Moving("c1"), 4) == 0


# --- conditions


def test_nobody_follows_a_config_without_pods():
    status = says()
    assert status["ready"] == "0/0"
    assert words(status) == dict.fromkeys(("Ready", "Progressing", "Degraded"), ("Unknown", "NoPods"))
    assert ready_condition(status)["message"] == "no pod follows this config"
    assert status["plugins"] == status["failures"] == []


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([report("a", plugin("x"))], [("True", "AllReady"), ("False", "Complete"), ("False", "AsExpected")]),
        (
            [report("a", plugin("x"), generation=0)],
            [("False", "PodsOutdated"), ("True", "PodsOutdated"), ("False", "AsExpected")],
        ),
        (
            [report("a", starting("x"))],
            [("False", "NotAllReady"), ("True", "Starting"), ("False", "AsExpected")],
        ),
        (
            [report("a", failing("x")), report("b", plugin("x"), generation=0)],
            [("False", "PodsFailed"), ("True", "PodsOutdated"), ("True", "CrashLoop")],
        ),
        ([report("a", failing("x"))], [("False", "PodsFailed"), ("False", "Complete"), ("True", "CrashLoop")]),
        ([report("a", disabled("x"))], [("True", "AllReady"), ("False", "Complete"), ("False", "AsExpected")]),
    ],
)
def test_conditions_say_what_is_to_be_waited_for(pods, expected):
    assert words(says(*pods)) == dict(zip(("Ready", "Progressing", "Degraded"), expected, strict=True))


def test_ready_names_the_worst():
    pods = [report(name, failing("y"), failing("x", "DigestMismatch")) for name in "abc"]
    pods.append(report("d", failing("y"), plugin("x")))
    assert ready_condition(says(*pods))["message"] == (
        "4 of 4 pods have a plugin that does not run: rule/y CrashLoop in 4 pods, rule/x DigestMismatch in 3 pods"
    )


def test_a_pod_that_waits_for_its_volume_fails_and_one_that_starts_meanwhile_does_not():
    missing = condition("VolumeMissing", "True", "VolumeMissing", "gone")
    assert says(report("a", ready=False, conditions=(missing,)))["pods"]["failed"] == 1
    assert says(report("a", starting("x"), conditions=(missing,)))["pods"]["failed"] == 0
    assert says(report("a", plugin("x"), conditions=(missing,)))["pods"]["failed"] == 0


def test_a_transition_time_moves_with_the_status_alone():
    before = says(report("a", failing("x")))
    later = summary(counted(report("a", failing("x", "WrongCookie"))), seen(1, before), "2026-11-24T13:00:00Z")
    assert ready_condition(later)["lastTransitionTime"] == NOW
    assert ready_condition(later)["message"] != ready_condition(before)["message"]
    well = summary(counted(report("a", plugin("x"))), seen(1, later), "2026-11-24T14:00:00Z")
    assert ready_condition(well)["lastTransitionTime"] == "2026-11-24T14:00:00Z"


# --- what an earlier CRD let pass, or another writer wrote


def test_a_reason_that_no_program_could_read_is_unknown():
    bad = condition("Odd", "True", "not one word")
    document = pod_status("a", plugin("x"), failing("y", ""), conditions=(bad,))
    document["status"]["plugins"][0]["conditions"] = []
    status = says(Reader().read(document))
    VALIDATOR.validate(status)
    assert {each["reason"] for each in status["failures"]} == {"Unknown"}
    assert words(status)["Degraded"] == ("True", "Unknown")


def test_more_reasons_than_the_schema_takes_are_cut():
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    many = [condition(f"{one}{two}", "True", f"{one}{two.lower()}") for one in letters for two in "ABC"]
    status = says(
        *(report(f"pod-{n}", failing("x", each["reason"]), conditions=(each,)) for n, each in enumerate(many))
    )
    VALIDATOR.validate(status)
    assert len(status["pods"]["reasons"]) == 32
    assert len(status["plugins"][0]["reasons"]) == 64


@pytest.mark.parametrize("odd", [7, {"conditions": 7, "failures": ["x"]}, {"conditions": [7, {"type": "Ready"}]}])
def test_a_summary_that_nobody_can_read_is_replaced(odd):
    config = config_seen({"metadata": {"name": "r", "uid": "c1", "resourceVersion": "9"}, "status": odd})
    status = says(report("a", plugin("x")), config=config)
    VALIDATOR.validate(status)
    assert is_urgent(status, config.status)


# --- samples


def test_at_most_ten_failures_are_shown_and_each_way_to_fail_before_a_second_of_any():
    pods = [
        report(f"pod-{n:03}", failing("x"), *([failing("rare", "WrongCookie")] if n == 70 else [])) for n in range(99)
    ]
    shown = says(*pods)["failures"]
    assert len(shown) == 10
    assert [each["pod"] for each in shown if each["name"] == "rare"] == ["pod-070"]
    assert [each["pod"] for each in shown if each["name"] == "x"] == [f"pod-{n:03}" for n in range(9)]


def test_more_than_ten_ways_to_fail_are_still_ten_samples():
    assert len(says(report("a", *(failing(f"p{n}") for n in range(30))))["failures"]) == 10


def test_a_long_message_is_cut():
    (shown,) = says(report("a", failing("x", message="m" * 5000)))["failures"]
    assert len(shown["message"]) == MESSAGE


def test_too_many_plugins_are_left_out_but_for_those_that_fail():
    status = says(report("a", *(plugin(f"p{n:04}") for n in range(PLUGINS + 5)), failing("zz")))
    assert len(status["plugins"]) == PLUGINS
    assert status["plugins"][-1]["name"] == "zz"
    assert status["pluginsLeftOut"] == 6


# --- whatever the pods say


reasons = st.sampled_from([str(each) for each in Reason])
plugins = st.builds(
    plugin,
    st.sampled_from("uvwxyz"),
    st.sampled_from(["True", "False", "Unknown"]),
    reasons,
    st.text(max_size=5),
    wanted=st.integers(0, 2),
    progressing=st.sampled_from(["True", "False"]),
    degraded=st.one_of(st.just(""), reasons),
)
reports = st.builds(
    lambda pod, plugins, **words: report(pod, *plugins, **words),
    st.sampled_from([f"pod-{n}" for n in range(30)]),
    st.lists(plugins, max_size=6, unique_by=lambda each: each["name"]),
    generation=st.integers(0, 3),
    config_uid=st.sampled_from(["c1", "c2", ""]),
    ready=st.one_of(st.none(), st.booleans()),
    reason=st.sampled_from(["", "", "ShuttingDown"]),
    conditions=st.lists(st.builds(condition, reasons, st.sampled_from(["True", "False"]), reasons), max_size=3).map(
        tuple
    ),
)
crowds = st.lists(reports, max_size=20, unique_by=lambda each: each.pod)


@settings(max_examples=60, deadline=None)
@given(crowds, crowds, st.randoms(use_true_random=False))
def test_the_order_in_which_pods_come_and_go_does_not_matter(staying, going, chance: random.Random):
    going = [each for each in going if each.pod not in {one.pod for one in staying}]
    tally, moves = Tally(), [(Tally.add, each) for each in staying + going]
    chance.shuffle(moves)
    for move, each in moves:
        move(tally, each)
    chance.shuffle(going)
    for each in going:
        tally.remove(each)
    assert tally == counted(*staying)
    assert summary(tally, seen(2), NOW) == summary(counted(*reversed(staying)), seen(2), NOW)


@settings(max_examples=60, deadline=None)
@given(crowds, st.integers(0, 4))
def test_the_counts_are_consistent_and_the_schema_takes_them(pods, generation):
    status = says(*pods, config=seen(generation))
    here = [each for each in pods if not each.is_leaving]
    of = status["pods"]
    assert of["total"] == len(here)
    assert of["ready"] == sum(each.is_ready for each in here)
    assert of["outdated"] == sum(each.config_uid == "c2" or each.generation < generation for each in here)
    for each in status["plugins"]:
        assert (
            each["ready"] + each["failed"]
            <= each["pods"]
            == sum((each["kind"], each["name"]) in {(one.kind, one.name) for one in pod.plugins} for pod in here)
        )
    assert len(status["failures"]) <= 10
    assert (words(status)["Ready"][0] == "True") == (
        0 < of["total"] == of["ready"] and not of["outdated"] and not of["failed"]
    )
    VALIDATOR.validate(status)


@given(crowds)
@settings(max_examples=30, deadline=None)
def test_a_summary_of_the_same_is_the_same_when_the_api_server_gives_it_back(pods):
    status = says(*pods)
    given_back = json.loads(json.dumps(status))
    for part in ("plugins", "conditions"):
        given_back[part].reverse()
    assert is_same(summary(counted(*pods), seen(1, given_back), "2030-01-01T00:00:00Z"), given_back)


def test_another_try_of_the_same_failure_is_not_urgent_and_a_pod_more_is():
    one = says(report("a", failing("x", message="failed 3 times in a row")))
    other = says(report("a", failing("x", message="failed 4 times in a row")))
    more = says(report("a", failing("x")), report("b", failing("x")))
    assert not is_same(one, other)
    assert not is_urgent(one, other)
    assert is_urgent(one, more)
