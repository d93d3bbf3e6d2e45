"""Rule 2: after promotion any ready worker serves; what is lost is said at once."""

from controller.core.messages import Register, Unregister, Update
from controller.core.model import Phase
from controller.core.reasons import Reason
from tests.core.world import World, version


def test_one_lost_worker_is_an_update_with_the_rest():
    world = World()
    one, two = world.up(workers=2)
    assert world.failed(one).messages == (Update("rule/a", version("one"), (two,)),)


def test_the_last_lost_worker_is_an_unregister():
    world = World()
    (one,) = world.up()
    assert world.failed(one).messages == (Unregister("rule/a"),)


def test_a_worker_that_is_back_is_an_update_or_a_register():
    world = World()
    one, two = world.up(workers=2)
    world.failed(one)
    (three,) = world.starts()
    world.failed(two)
    (four,) = world.starts()
    assert world.started(four).messages == (Register("rule/a", version("one"), (four,)),)
    assert world.started(three).messages == (Update("rule/a", version("one"), (three, four)),)


def test_failed_health_is_a_loss_without_a_drain():
    world = World()
    one, two = world.up(workers=2)
    step = world.unhealthy(one)
    assert step.messages == (Update("rule/a", version("one"), (two,)),)
    assert world.stops() == (one,)
    assert len(world.starts()) == 1
    assert world.phases()[one] is Phase.STOPPING
    assert world.plugin().last_exit.reason is Reason.UNHEALTHY


def test_a_replacement_starts_in_the_step_that_learns_of_the_crash():
    world = World()
    (one,) = world.up()
    world.failed(one)
    (two,) = world.starts()
    assert world.phases() == {one: Phase.STOPPING, two: Phase.STARTING}
    world.stopped(one)
    assert world.phases() == {two: Phase.STARTING}


def test_the_end_of_a_worker_that_nobody_explained_counts_as_a_crash():
    world = World()
    (one,) = world.up()
    step = world.stopped(one)
    assert step.messages == (Unregister("rule/a"),)
    assert len(world.starts()) == 1
    assert world.plugin().last_exit.reason is Reason.EXITED


def test_what_a_plugin_reports_is_kept_with_its_worker():
    world = World()
    world.up()
    (worker,) = world.plugin().workers.values()
    assert (worker.pid, worker.served) == (101, True)


def test_late_facts_about_workers_long_gone_change_nothing():
    world = World()
    (one,) = world.up()
    world.crashed(one)
    before = world.state
    for late in (world.failed, world.started, world.drained, world.stopped, world.unhealthy):
        step = late(one)
        assert (step.messages, step.actions, step.touched) == ((), (), frozenset())
    assert world.state == before


def test_a_second_started_changes_nothing():
    world = World()
    (one,) = world.up()
    world.now += 5
    before = world.state
    assert world.started(one, "another").touched == frozenset()
    assert world.state == before
