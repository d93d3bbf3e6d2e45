"""Who owes an answer, rule by rule."""

import pytest

from controller.registry import ledger as module
from controller.registry.ledger import GONE_SECONDS, HURRIED_SECONDS, Ledger
from tests.registry.words import A, B, Words


@pytest.fixture
def words() -> Words:
    return Words()


@pytest.fixture
def ledger(words) -> Ledger:
    """Plugin A serves with w1, and nobody was told."""
    made = Ledger()
    made.take(words.register("w1"))
    return made


def test_without_hosts_a_drain_is_answered_at_once(ledger, words):
    ledger.take(words.update("w2", draining=("w1",)))
    assert words.answers == {"w1": 1}


def test_a_host_that_was_told_in_its_snapshot_owes(ledger, words):
    ledger.connected("app", (), now=0)
    ledger.take(words.update("w2", draining=("w1",)))
    assert ledger.debtors("w1") == {"app"}
    assert not words.answers
    ledger.answered("app", "w1")
    assert words.answers == {"w1": 1}


def test_a_host_that_was_told_by_a_message_owes(ledger, words):
    ledger.connected("app", (), now=0)
    ledger.take(words.update("w1", "w2"))
    ledger.take(words.unregister("w1", "w2"))
    assert ledger.debtors("w2") == {"app"}


def test_the_last_debtors_answer_settles_it_and_a_second_one_changes_nothing(ledger, words):
    ledger.connected("app", (), now=0)
    ledger.connected("other", (), now=0)
    ledger.take(words.remove("w1"))
    ledger.answered("app", "w1")
    ledger.answered("app", "w1")
    assert not words.answers
    ledger.answered("other", "w1")
    ledger.answered("app", "w1")
    assert words.answers == {"w1": 1}


def test_a_host_that_joins_in_the_middle_of_a_drain_neither_owes_nor_hears_of_it(ledger, words):
    ledger.connected("app", (), now=0)
    ledger.take(words.update("w2", draining=("w1",)))
    ledger.connected("late", (), now=1)
    assert ledger.debtors("w1") == {"app"}
    assert [each.worker for each in ledger.serving[A].workers] == ["w2"]


def test_a_worker_that_was_lost_and_not_drained_is_owed_by_nobody(ledger, words):
    ledger.connected("app", (), now=0)
    ledger.take(words.update("w2"))
    ledger.take(words.update("w2", draining=("w1",)))
    assert words.answers == {"w1": 1}


def test_a_disconnected_host_owes_for_two_seconds(ledger, words):
    ledger.connected("app", (), now=0)
    ledger.take(words.update("w2", draining=("w1",)))
    ledger.disconnected("app", now=1)
    assert ledger.due_at() == 1 + GONE_SECONDS
    ledger.look(1 + GONE_SECONDS - 0.01)
    assert not words.answers
    ledger.look(1 + GONE_SECONDS)
    assert words.answers == {"w1": 1}


@pytest.mark.parametrize(("lost", "void"), [(0.9, 1 + HURRIED_SECONDS), (-0.9, 1.1), (3, 3 + HURRIED_SECONDS)])
def test_once_all_ends_a_lost_host_owes_for_half_a_second(ledger, words, lost, void):
    ledger.connected("app", (), now=-1)
    ledger.take(words.update("w2", draining=("w1",)))
    for _, what in sorted([(lost, "lost"), (1, "hurry")]):
        ledger.hurry(now=1) if what == "hurry" else ledger.disconnected("app", now=lost)
    assert ledger.due_at() == pytest.approx(void)
    ledger.look(void + 0.001)
    assert words.answers == {"w1": 1}


def test_once_all_ends_what_a_new_connection_does_not_own_up_to_is_void_soon(ledger, words):
    ledger.connected("app", (), now=0)
    ledger.take(words.update("w2", draining=("w1",)))
    ledger.connected("app", (), now=1)
    ledger.hurry(now=1)
    ledger.look(1 + HURRIED_SECONDS)
    assert words.answers == {"w1": 1}


def test_once_all_ends_a_connected_host_owes_as_ever(ledger, words):
    ledger.connected("app", (), now=0)
    ledger.take(words.update("w2", draining=("w1",)))
    ledger.hurry(now=1)
    ledger.look(now=60)
    assert ledger.debtors("w1") == {"app"}


def test_a_drain_that_begins_while_a_host_is_disconnected_is_owed_by_it(ledger, words):
    ledger.connected("app", (), now=0)
    ledger.disconnected("app", now=1)
    ledger.take(words.update("w2", draining=("w1",)))
    assert ledger.debtors("w1") == {"app"}
    ledger.take(words.update("w3", draining=("w2",)))
    assert words.answers == {"w2": 1}, "it was never told of w2"


def test_a_reconnect_in_time_keeps_the_debts(ledger, words):
    ledger.connected("app", (), now=0)
    ledger.take(words.update("w2", draining=("w1",)))
    ledger.disconnected("app", now=1)
    ledger.connected("app", ["w1", "w2"], now=2)
    ledger.look(100)
    assert ledger.debtors("w1") == {"app"}
    ledger.answered("app", "w1")
    assert words.answers == {"w1": 1}


def test_what_a_reconnected_host_no_longer_holds_is_void_when_its_former_self_is_gone(ledger, words):
    """Its answer was lost with the connection, or it is a new process under the old name."""
    ledger.connected("app", (), now=0)
    ledger.take(words.update("w2", draining=("w1",)))
    ledger.disconnected("app", now=1)
    ledger.connected("app", ["w2"], now=2)
    ledger.look(2.9)
    assert not words.answers
    assert ledger.due_at() == 3
    ledger.look(3)
    assert words.answers == {"w1": 1}


def test_two_connections_of_one_name_leave_the_first_ones_calls_two_seconds(ledger, words):
    ledger.connected("app", (), now=0)
    ledger.take(words.update("w2", draining=("w1",)))
    ledger.connected("app", (), now=5)
    ledger.look(6.9)
    assert not words.answers
    ledger.look(7)
    assert words.answers == {"w1": 1}


def test_a_drain_that_a_returning_host_still_holds_becomes_its_debt_again(ledger, words):
    ledger.connected("app", (), now=0)
    ledger.connected("slow", (), now=0)
    ledger.take(words.update("w2", draining=("w1",)))
    ledger.disconnected("app", now=0)
    ledger.look(GONE_SECONDS)
    assert ledger.debtors("w1") == {"slow"}
    ledger.connected("app", ["w1"], now=10)
    assert ledger.debtors("w1") == {"slow", "app"}
    ledger.answered("slow", "w1")
    assert not words.answers
    ledger.answered("app", "w1")
    assert words.answers == {"w1": 1}


def test_what_a_host_holds_and_nobody_knows_is_ignored(ledger, words):
    ledger.connected("app", ["w77"], now=0)
    assert ledger.debtors("w77") == set()
    ledger.answered("app", "w77")
    ledger.answered("nobody", "w1")
    assert not words.answers


def test_an_answer_for_a_serving_worker_counts_for_its_drain(ledger, words):
    ledger.connected("app", (), now=0)
    ledger.answered("app", "w1")
    ledger.take(words.unregister("w1"))
    assert words.answers == {"w1": 1}


def test_a_worker_that_has_ended_is_owed_by_nobody_and_not_answered(ledger, words):
    ledger.connected("app", (), now=0)
    ledger.take(words.unregister("w1"))
    ledger.ended("w1")
    ledger.answered("app", "w1")
    ledger.disconnected("app", now=0)
    ledger.look(10)
    ledger.ended("w1")
    assert not words.answers


def test_a_host_that_is_gone_is_forgotten(ledger, words):
    ledger.connected("app", (), now=0)
    ledger.disconnected("app", now=0)
    ledger.look(GONE_SECONDS)
    assert ledger.due_at() == float("inf")
    ledger.take(words.unregister("w1"))
    assert words.answers == {"w1": 1}


def test_tombstones_are_kept_until_the_plugin_is_back(ledger, words):
    ledger.take(words.remove("w1"))
    ledger.take(words.remove(plugin=B))
    assert ledger.tombstones == (A, B)
    ledger.take(words.register("w2"))
    assert ledger.tombstones == (B,)
    ledger.take(words.unregister(plugin=B))
    assert ledger.tombstones == ()


def test_only_the_latest_tombstones_are_kept(ledger, words, monkeypatch):
    monkeypatch.setattr(module, "MOST_TOMBSTONES", 2)
    for plugin in ("rule/x", "rule/y", "rule/z", "rule/y"):
        ledger.take(words.remove(plugin=plugin))
    assert ledger.tombstones == ("rule/z", "rule/y")
