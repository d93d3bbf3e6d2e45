"""When a summary is written."""

from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.kube.pace import EVENTS, MOST, QUIET, SLOWLY, Pace


def test_nothing_is_due_without_a_change():
    assert Pace().due(0) == inf
    assert Pace().touched(5.0).settled().due(0) == inf


def test_a_single_change_is_written_after_a_moment_of_quiet():
    assert Pace().touched(5.0).due(1) == 5.0 + QUIET


def test_changes_without_end_are_written_all_the_same():
    pace = Pace()
    for tenth in range(50):
        pace = pace.touched(5.0 + tenth / 10)
    assert pace.due(1) == 5.0 + MOST


def test_an_edit_and_what_pods_say_of_it_are_one_write():
    pace = Pace().wrote(0.0).expecting(5.0)
    assert pace.due(1) == 5.0 + MOST
    assert pace.touched(5.3).due(1) == 5.0 + MOST
    assert pace.touched(5.3).touched(6.4).due(1) == 5.0 + MOST


@pytest.mark.parametrize(("pods", "pause"), [(1, MOST), (500, MOST), (2000, 2000 / EVENTS)])
def test_the_more_pods_hear_of_it_the_longer_the_pause_between_writes(pods, pause):
    assert Pace().wrote(5.0).touched(5.1).due(pods) == 5.0 + pause


def test_what_could_not_be_written_waits_for_its_time():
    pace = Pace().touched(5.0).failed(15.0)
    assert pace.touched(6.0).due(1) == 15.0
    assert pace.settled().wrote(16.0).touched(30.0).due(1) == 30.0 + QUIET


def test_what_changes_during_a_write_is_told_after_it():
    pace = Pace().touched(5.0).settled().touched(6.1).wrote(6.5)
    assert pace.due(1) == 6.5 + MOST


def test_what_is_not_urgent_waits_unless_something_happens():
    pace = Pace().wrote(5.0).touched(8.0).put_off(5.0 + SLOWLY)
    assert pace.due(1) == 5.0 + SLOWLY
    assert pace.touched(9.0).due(1) == 9.0 + QUIET


@given(st.lists(st.floats(0.0, 3.0), max_size=80), st.integers(0, 5000))
def test_no_two_writes_are_closer_than_the_pause_and_no_change_waits_longer_than_that(gaps, pods):
    now, pace, written, oldest = 0.0, Pace(), [], inf
    for gap in gaps:
        while (due := pace.due(pods)) <= now + gap:
            assert due - max(oldest, written[-1] if written else -inf) <= max(MOST, pods / EVENTS) + 1e-9
            written.append(due)
            pace, oldest = pace.settled().wrote(due), inf
        now += gap
        pace, oldest = pace.touched(now), min(oldest, now)
    assert all(b - a >= max(MOST, pods / EVENTS) - 1e-9 for a, b in pairwise(written))
