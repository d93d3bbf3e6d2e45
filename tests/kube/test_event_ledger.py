"""A pod in trouble tells of it, and not more often than it may."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from controller.kube.event_ledger import BURST, INTERVAL, MEMORY, Ledger
from controller.kube.event_table import Happening


def happening(subject="rule/a", reason="Exited"):
    return Happening(0.0, subject, reason, "Warning", "RestartWorker", "it did")


def test_the_first_is_new_and_repeats_are_counted():
    ledger = Ledger()
    assert ledger.enter(happening(), "one", 0.0).count == 1
    assert ledger.enter(happening(), "two", 1.0) is None
    assert ledger.enter(happening(), "three", 2.0) is None
    told = ledger.enter(happening(), "four", INTERVAL)
    assert (told.name, told.count) == ("one", 4)


def test_a_count_is_told_though_nothing_more_happens():
    ledger = Ledger()
    ledger.enter(happening(), "one", 0.0)
    ledger.enter(happening(), "two", 1.0)
    assert ledger.due(INTERVAL - 1) == []
    assert [(each.name, each.count) for each in ledger.due(INTERVAL)] == [("one", 2)]
    assert ledger.due(2 * INTERVAL) == []


def test_what_comes_again_after_a_long_time_is_new():
    ledger = Ledger()
    ledger.enter(happening(), "one", 0.0)
    again = ledger.enter(happening(), "two", MEMORY)
    assert (again.name, again.count) == ("two", 1)


def test_what_the_api_server_has_forgotten_begins_anew():
    ledger = Ledger()
    lost = ledger.enter(happening(), "one", 0.0)
    ledger.lose(lost)
    assert ledger.enter(happening(), "two", 1.0).name == "two"


def test_another_plugin_and_another_word_are_events_of_their_own():
    ledger = Ledger()
    others = [happening(), happening("rule/b"), happening("rule/a", "CrashLoop")]
    assert all(ledger.enter(each, str(number), 0.0).count == 1 for number, each in enumerate(others))


def test_of_a_thousand_plugins_a_few_are_told():
    ledger = Ledger()
    sent = [ledger.enter(happening(f"rule/{number}"), str(number), 0.0) for number in range(1000)]
    assert sum(each is not None for each in sent) == BURST
    assert ledger.enter(happening("rule/x"), "x", INTERVAL - 1) is None
    assert ledger.enter(happening("rule/y"), "y", INTERVAL).count == 1
    assert ledger.enter(happening("rule/x", "CrashLoop"), "z", 0.0).count == 1  # another word has its own


def test_a_long_quiet_saves_up_no_more_than_a_burst():
    ledger = Ledger()
    ledger.enter(happening("rule/first"), "first", 0.0)
    later = 1000 * INTERVAL
    sent = [ledger.enter(happening(f"rule/{number}"), str(number), later) for number in range(2 * BURST)]
    assert sum(each is not None for each in sent) == BURST


moves = st.lists(st.tuples(st.integers(0, 40), st.sampled_from("xy"), st.floats(0, 200)), max_size=200)


@given(moves)
def test_in_any_order_no_more_is_sent_than_is_allowed(moves):
    ledger, now, sent = Ledger(), 0.0, []
    for number, (subject, reason, wait) in enumerate(moves):
        now += wait
        made = ledger.enter(happening(str(subject), reason), str(number), now)
        told = [*([made] if made else []), *ledger.due(now)]
        sent += [(now, each.happening.reason, each.name, each.count) for each in told]
    for reason in "xy":
        new = [at for at, word, _, count in sent if word == reason and count == 1]
        assert len(new) <= BURST + (now / INTERVAL) + 1e-6
    for name in {each[2] for each in sent}:
        times = [(at, count) for at, _, found, count in sent if found == name]
        assert [count for _, count in times] == sorted({count for _, count in times})
        assert all(later[0] - earlier[0] >= INTERVAL - 1e-6 for earlier, later in pairwise(times))
