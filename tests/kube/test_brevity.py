"""A document that is too large loses what is needed least, and says so."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.config.schema import PLUGIN_POD_STATUSES, schema_of
from controller.kube.brevity import MOST, PLUGINS, SPACIOUS, brief
from controller.kube.manifest import encoded
from tests.kube.entries import TIME, document, entry

AT = "2026-11-24T13:00:00Z"
LINES = ["x" * 200] * 10


def told(document, most=MOST):
    body, is_cut = brief(document, most, AT)
    status = json.loads(body)["status"]
    condition = next((each for each in status["conditions"] if each["type"] == "Truncated"), None)
    assert is_cut == (condition is not None)
    return status, condition["message"] if condition else "", len(body)


def test_what_is_not_large_is_told_whole():
    whole = document(*(entry(number, is_well=False, logs=LINES) for number in range(20)))
    assert brief(whole, MOST, AT) == (encoded(whole), False)


def test_log_lines_go_first():
    status, said, size = told(document(*(entry(number, is_well=False, logs=LINES) for number in range(250))))
    assert said.startswith("log lines are left out;")
    assert "logs" not in status["plugins"][0]
    assert len(status["plugins"][0]["conditions"]) == 4
    assert size <= SPACIOUS


def test_then_messages_are_cut():
    status, said, size = told(document(*(entry(number, is_well=False, message="m" * 4000) for number in range(200))))
    assert "messages are cut" in said
    assert "in short" not in said
    assert len(status["plugins"][0]["message"]) == 256
    assert size <= SPACIOUS


def test_then_plugins_that_are_well_are_told_in_short_and_the_others_whole():
    last = {"reason": "Exited", "message": "it did", "at": TIME}
    ill = entry(700, is_well=False, lastExit=last)
    status, said, _ = told(document(*(entry(number) for number in range(700)), ill))
    assert "plugins that are well are told in short" in said
    assert "all others" not in said
    well = status["plugins"][0]
    assert [each["type"] for each in well["conditions"]] == ["Ready"]
    assert well["workers"] == {"ready": 1, "wanted": 1}
    assert status["plugins"][-1] == ill


def test_two_thousand_plugins_are_all_listed_well_or_ill():
    for is_well in (True, False):
        status, _, size = told(document(*(entry(number, is_well=is_well) for number in range(2000))))
        assert len(status["plugins"]) == 2000
        assert size <= MOST


def test_in_the_end_plugins_are_left_out_and_those_that_are_ill_stay():
    plugins = [entry(number, is_well=number % 100 > 0) for number in range(4096)]
    status, said, size = told(document(*plugins))
    left = [each["name"] for each in status["plugins"]]
    assert size <= MOST + 100
    assert f"{4096 - len(left)} plugins are left out" in said
    assert {f"plugin-{number:04}" for number in range(0, 4096, 100)} <= set(left)
    assert left == sorted(left)


def test_more_plugins_than_the_schema_takes_are_left_out_and_those_that_are_ill_stay():
    status, said, _ = told(
        document(*(entry(number, is_well=number < PLUGINS + 9) for number in range(PLUGINS + 10))), 9**9
    )
    assert len(status["plugins"]) == PLUGINS
    assert status["plugins"][-1]["name"] == f"plugin-{PLUGINS + 9}"
    assert "10 plugins are left out" in said


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.builds(
            entry, st.integers(0, 9999), is_well=st.booleans(), message=st.sampled_from(["", "m" * 300, "é" * 4096])
        ),
        max_size=300,
        unique_by=lambda each: each["name"],
    ),
    st.integers(5_000, 400_000),
)
def test_it_fits_and_the_schema_takes_it(plugins, most):
    status, _, size = told(document(*plugins), most)
    assert size <= most + 200  # what the condition itself takes
    assert schema_of(PLUGIN_POD_STATUSES).validator.is_valid({"status": status})


@pytest.mark.parametrize("number", [15, 16])
def test_there_is_room_for_saying_so(number):
    conditions = [
        {"type": "A" + chr(65 + index), "status": "True", "reason": "R", "message": "", "lastTransitionTime": TIME}
        for index in range(number)
    ]
    status, _, _ = told(document(*(entry(index) for index in range(1000)), conditions=conditions))
    assert [each["type"] for each in status["conditions"]] == [*(each["type"] for each in conditions[:15]), "Truncated"]
