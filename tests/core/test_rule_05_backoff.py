"""Rule 5: a worker is the unit; its failures are answered at once, then later and later, for ever."""

import pytest

from controller.core.backoff import delay
from controller.core.model import Phase, Policy, Restart
from controller.core.reasons import Reason
from tests.core.world import World, spec


def test_one_crash_restarts_one_worker():
    world = World()
    one, two, three = world.up(workers=3)
    world.failed(two)
    assert len(world.starts()) == 1
    assert world.serving() == (one, three)


def test_workers_that_fail_together_are_each_restarted_once():
    world = World()
    one, two, three = world.up(workers=3)
    world.failed(one)
    (four,) = world.starts()
    world.failed(two)
    (five,) = world.starts()
    assert [*world.stopped(one).actions, *world.stopped(two).actions] == []
    assert world.phases() == {three: Phase.READY, four: Phase.STARTING, five: Phase.STARTING}


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.0), (2, 0.5), (3, 1.0), (4, 2.0), (10, 120.0), (5000, 120.0)])
def test_the_first_failure_is_answered_at_once_the_next_wait_the_initial_delay_doubling_to_the_maximum(
    failures, seconds
):
    assert delay(failures, Restart(), Policy(jitter=0.0), 0.9) == seconds


@pytest.mark.parametrize("failures", range(2, 20))
def test_jitter_lengthens_a_delay_but_never_over_the_maximum(failures):
    shortest, longest = (delay(failures, Restart(), Policy(), chance) for chance in (0.0, 0.999))
    assert shortest < longest <= 120.0
    assert longest <= shortest * 1.1


def test_a_maximum_under_the_initial_delay_is_obeyed():
    assert delay(2, Restart(initial_delay=5.0, max_delay=1.0), Policy(), 0.5) == 1.0


def test_an_initial_delay_at_the_maximum_is_not_shortened_to_make_room_for_jitter():
    assert delay(2, Restart(initial_delay=1.0, max_delay=1.0), Policy(), 0.0) == 1.0


@pytest.mark.parametrize("serves", [False, True], ids=["the first version", "an update"])
def test_the_answers_to_a_worker_that_keeps_failing(serves):
    world = World()
    if serves:
        world.up(content="former")
    world.configure(a=spec())
    world.scan(a="one")
    waits = []
    for _ in range(5):
        (worker,) = world.starts()
        world.crashed(worker)
        if world.starts():
            waits.append(0.0)
        else:
            retry_at = world.last.wake_at
            waits.append(retry_at - world.now)
            assert world.after(waits[-1] - 0.01).actions == ()
            world.after(0.01)
    assert waits == pytest.approx([0.0, 0.5, 1.0, 2.0, 4.0])


def test_it_is_shown_as_backing_off_and_from_the_third_failure_on_as_a_crash_loop_until_it_is_ready():
    world = World()
    world.configure(a=spec())
    world.scan(a="one")
    seen = []
    for _ in range(3):
        (worker,) = world.starts()
        world.crashed(worker)
        seen.append(world.condition("Ready").reason)
        if not world.starts():
            world.after(1.0)
    assert seen == [Reason.STARTING, Reason.BACKING_OFF, Reason.CRASH_LOOP]
    assert world.condition("Ready").message == "failed 3 times in a row, last with Exited: exited with code 1"
    assert world.condition("Ready").reason is Reason.CRASH_LOOP
    world.started(world.starts()[0])
    assert world.condition("Ready").status is True
    assert world.condition("Degraded").status is False


def test_a_calm_spell_forgives():
    world = World()
    (one,) = world.up(restart=Restart(calm=60.0))
    world.failed(one)
    (two,) = world.starts()
    world.started(two)
    world.after(60.0)
    assert world.plugin().serving.slots[0].failures == 0
    assert len(world.failed(two).actions) == 1


def test_a_spell_that_was_not_calm_long_enough_does_not_forgive():
    world = World()
    (one,) = world.up(restart=Restart(calm=60.0))
    world.failed(one)
    (two,) = world.starts()
    world.started(two)
    world.after(59.9)
    assert world.failed(two).actions == ()
    assert world.plugin().serving.slots[0].failures == 2


def test_a_calm_spell_that_just_ended_forgives_though_no_tick_came_before_the_crash():
    world = World()
    (one,) = world.up(restart=Restart(calm=60.0))
    world.failed(one)
    (two,) = world.starts()
    world.started(two)
    world.now += 60.0
    assert len(world.failed(two).actions) == 1


def test_the_time_a_start_takes_is_not_calm():
    world = World()
    (one,) = world.up(restart=Restart(calm=10.0))
    world.failed(one)
    (two,) = world.starts()
    world.after(10.0)
    assert world.failed(two).actions == ()
    assert world.plugin().serving.slots[0].failures == 2


def test_calm_zero_answers_every_failure_of_a_ready_worker_at_once():
    world = World()
    (worker,) = world.up(restart=Restart(calm=0.0))
    for _ in range(10):
        world.crashed(worker)
        (worker,) = world.starts()
        world.started(worker)
    assert world.plugin().restarts == 10


def test_a_new_version_begins_with_no_failures():
    world = World()
    world.configure(a=spec())
    world.scan(a="one")
    for _ in range(2):
        world.crashed(world.starts()[0])
    world.scan(a="two")
    assert len(world.starts()) == 1
    assert world.plugin().candidate.slots[0].failures == 0


def test_failed_starts_and_crashes_count_alike():
    world = World()
    (one,) = world.up()
    world.crashed(one)
    (two,) = world.starts()
    world.crashed(two)
    assert world.starts() == ()
    world.after(0.5)
    (three,) = world.starts()
    world.started(three)
    assert world.failed(three).actions == ()
    assert world.last.wake_at == world.now + 1.0
    assert world.plugin().restarts == 2


def test_a_slot_added_during_a_backoff_waits_for_that_retry():
    world = World()
    world.configure(a=spec(workers=2))
    world.scan(a="one")
    one, two = world.starts()
    for worker in (one, two):
        world.crashed(worker)
    for worker in tuple(world.phases()):
        world.crashed(worker)
        world.now += 0.2
    world.configure(a=spec(workers=3))
    assert world.starts() == ()
    world.after(0.1)
    assert len(world.starts()) == 2


def test_a_slot_added_waits_for_the_retry_of_the_one_that_has_one():
    world = World()
    world.up(workers=2)
    for _ in range(2):
        world.crashed(world.plugin().serving.slots[1].worker)
    world.configure(a=spec(workers=3))
    assert world.starts() == ()
    world.after(0.5)
    assert len(world.starts()) == 2


def test_a_slot_added_without_a_backoff_starts_at_once():
    world = World()
    world.up()
    world.configure(a=spec(workers=3))
    assert len(world.starts()) == 2


def test_a_slot_added_after_a_retry_was_due_does_not_wait():
    world = World(chance=0.0)
    (one,) = world.up()
    world.crashed(one)
    (two,) = world.starts()
    world.crashed(two)
    world.now += 0.5
    world.configure(a=spec(workers=2))
    assert len(world.starts()) == 2


def test_restarts_count_the_workers_started_again_after_a_failure_only():
    world = World()
    world.up()
    world.swapped("two")
    world.configure(a=spec(workers=2))
    assert world.plugin().restarts == 0
    world.failed(world.serving()[0])
    assert world.plugin().restarts == 1
