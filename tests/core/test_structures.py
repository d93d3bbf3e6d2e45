"""Table and agenda: what a state is kept in must not change under those who still hold it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.agenda import Agenda, agenda_of
from controller.core.events import ConfigRead, Tick
from controller.core.model import Clock, Config, Policy, UpdateTimes
from controller.core.step import step
from controller.core.table import Table
from tests.core.world import LAUNCH, World, spec


def test_a_table_is_left_as_it_was():
    one: Table[str, int] = Table().put("a", 1)
    two = one.put("a", 2).put("b", 3)
    three = two.drop("a").drop("nothing")
    assert (dict(one), dict(two), dict(three)) == ({"a": 1}, {"a": 2, "b": 3}, {"b": 3})
    assert [len(table) for table in (one, two, three)] == [1, 2, 1]


def test_a_table_tells_what_it_has():
    table: Table[str, int] = Table().put("b", 2).put("a", 1)
    assert table.find("a") == table["a"] == 1
    assert table.find("c") is None
    with pytest.raises(KeyError):
        table["c"]
    assert repr(table) == "Table({'a': 1, 'b': 2})"
    assert table == {"a": 1, "b": 2}


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 200), st.integers())))
def test_a_table_holds_what_a_dict_would(changes):
    table: Table[int, int] = Table()
    expected: dict[int, int] = {}
    for is_put, key, value in changes:
        table = table.put(key, value) if is_put else table.drop(key)
        if is_put:
            expected[key] = value
        else:
            expected.pop(key, None)
        assert len(table) == len(expected)
    assert dict(table) == expected


@given(st.lists(st.tuples(st.integers())))
def test_an_agenda_gives_everything_back_in_order_and_is_left_as_it_was(entries):
    agenda = agenda_of(entries)
    for _ in range(2):
        found = []
        rest = agenda
        while (first := rest.first()) is not None:
            found.append(first)
            rest = rest.rest()
        assert found == sorted(entries)
        assert (agenda.size, rest.size) == (len(entries), 0)


def checked(node) -> int:
    """Return a node's distance to the nearest missing child, after checking it and all below."""
    if node is None:
        return 0
    distance, entry, left, right = node
    for child in (left, right):
        assert child is None or entry <= child[1]
    assert checked(left) >= checked(right)
    assert distance == 1 + checked(right)
    return distance


@given(st.lists(st.tuples(st.integers(0, 9)), max_size=20), st.integers(0, 10))
def test_an_agenda_keeps_its_short_side_on_the_right(entries, taken):
    agenda = agenda_of(entries)
    for _ in range(taken):
        agenda = agenda.rest()
    checked(agenda._root)


def test_an_empty_agenda_has_no_first_and_no_rest():
    agenda: Agenda[tuple[int]] = Agenda()
    assert agenda.first() is None
    assert agenda.rest().size == 0


def depth(node) -> int:
    return 0 if node is None else 1 + depth(node[3])


def test_an_agenda_stays_shallow_where_it_is_walked():
    agenda = agenda_of((number * 7919 % 1000,) for number in range(1000))
    for _ in range(500):
        agenda = agenda.rest()
        assert depth(agenda._root) <= 10


def test_deadlines_out_of_date_do_not_pile_up_and_the_next_one_is_still_known():
    world = World()
    world.up()
    world.configure(a=spec(), b=spec(enabled=False))
    world.scan(a="one", b="one")
    for number in range(200):
        world.configure(a=spec(update=UpdateTimes(probation=500.0 - number)), b=spec(enabled=False))
        assert world.state.index.wakeups.size <= 2 * 2 + 64
    assert world.last.wake_at == 1301.0


def test_a_deadline_of_a_plugin_that_is_forgotten_wakes_nobody():
    world = World()
    world.configure()
    world.scan(a="one", b="one")
    for worker in world.starts():
        world.started(worker)
    world.scan(a="one")
    world.stopped(next(iter(world.phases("b"))))
    assert world.after(60.0).touched == {"rule/a"}


def test_queue_entries_out_of_date_do_not_pile_up():
    world = World(policy=Policy(max_starting=1))
    world.configure(a=spec(), b=spec(), c=spec())
    world.scan(a="one", b="one", c="one")
    for number in range(200):
        world.configure(a=spec(), b=spec(enabled=number % 2 == 0), c=spec())
        assert world.state.index.queue.size <= 2 * 3 + 64


def test_a_rebuilt_queue_still_gives_everyone_a_start():
    world = World(policy=Policy(max_starting=1))
    world.configure(a=spec(), b=spec(), c=spec())
    world.scan(a="one", b="one", c="one")
    (one,) = world.starts()
    for number in range(300):
        world.configure(a=spec(), b=spec(enabled=number % 2 == 0), c=spec())
    world.configure(a=spec(), b=spec(), c=spec())
    world.started(one)
    assert world.started_plugins() == ("rule/c",)
    world.started(world.starts()[0])
    assert world.started_plugins() == ("rule/b",)


def test_a_step_leaves_the_state_before_it_as_it_was():
    world = World()
    (one,) = world.up()
    before, picture = world.state, repr(world.state)
    world.failed(one)
    assert repr(before) == picture
    assert repr(world.state) != picture


def test_the_same_state_event_and_clock_give_the_same_answer():
    world = World()
    world.up()
    event, clock = ConfigRead(Config(9, paused=False, kinds={})), Clock(5000.0, 6000.0, 0.5)
    assert step(world.state, event, clock) == step(world.state, event, clock)


def test_a_tick_that_nothing_waits_for_changes_nothing():
    world = World()
    world.up()
    before = world.state
    result = step(before, Tick(), Clock(world.now, 5e9, 0.5))
    assert (result.state, result.messages, result.actions, result.touched) == (before, (), (), frozenset())


def test_the_environment_of_a_process_is_not_in_what_is_printed():
    world = World()
    world.up(launch=replace(LAUNCH, env={"TOKEN": "s3cret"}, config='{"password": "s3cret"}'))
    assert "s3cret" not in repr(world.state)
