"""Rule 3: who has served is drained before it is stopped, and hosts hear first."""

from controller.core.actions import Stop
from controller.core.messages import Remove, Unregister, Update
from controller.core.model import Phase, StopTimes, UpdateTimes
from tests.core.world import World, spec, version


def test_a_swapped_out_worker_is_stopped_when_no_host_calls_it_any_more():
    world = World()
    (old,) = world.up(stop=StopTimes(shutdown=4.0, kill=3.0))
    world.swapped("two")
    assert world.phases()[old] is Phase.DRAINING
    assert world.drained(old).actions == (Stop(old, 4.0, 3.0),)
    assert world.phases()[old] is Phase.STOPPING
    world.stopped(old)
    assert old not in world.phases()


def test_a_drain_that_never_comes_ends_at_the_deadline():
    world = World()
    (old,) = world.up(update=UpdateTimes(drain=7.0))
    (new,) = world.swapped("two")
    assert world.last.wake_at == 1008.0
    assert world.after(6.9).actions == ()
    assert world.after(0.1).actions == (Stop(old, 2.0, 1.0),)
    assert world.serving() == (new,)


def test_the_message_goes_out_in_a_step_before_the_stop_even_if_draining_takes_no_time():
    world = World()
    (old,) = world.up(update=UpdateTimes(drain=0.0))
    world.scan(a="two")
    (new,) = world.starts()
    world.started(new)
    step = world.after(1.0)
    assert step.messages == (Update("rule/a", version("two"), (new,)),)
    assert step.actions == (Stop(old, 2.0, 1.0),)


def test_a_draining_worker_that_dies_is_forgotten():
    world = World()
    (old,) = world.up()
    world.swapped("two")
    step = world.failed(old)
    assert (step.messages, step.actions) == ((), ())
    plugin = world.plugin()
    assert (plugin.restarts, plugin.last_exit) == (0, None)
    assert world.drained(old).actions == ()
    world.stopped(old)
    assert world.drained(old).actions == ()


def test_a_draining_worker_that_fails_its_health_checks_is_stopped():
    world = World()
    (old,) = world.up()
    (new,) = world.swapped("two")
    step = world.unhealthy(old)
    assert world.stops() == (old,)
    assert world.serving() == (new,)
    assert (step.messages, world.plugin().last_exit) == ((), None)


def test_drained_is_heard_only_from_a_worker_that_drains():
    world = World()
    (one,) = world.up()
    before = world.state
    assert world.drained(one).actions == ()
    assert world.state == before


def test_a_worker_that_never_served_is_stopped_without_a_drain():
    world = World()
    world.up()
    world.scan(a="two")
    (new,) = world.starts()
    world.started(new)
    step = world.scan(a="one")
    assert (step.messages, world.stops()) == ((), (new,))


def test_a_launch_under_way_is_cut_off():
    world = World()
    world.configure(a=spec())
    world.scan(a="one")
    (one,) = world.starts()
    world.configure(a=spec(enabled=False))
    assert world.stops() == (one,)
    assert world.started(one).actions == ()
    assert world.failed(one).actions == ()
    world.stopped(one)
    assert world.plugin().workers == {}


def test_messages_are_the_difference_of_the_serving_sets_so_a_plugin_that_never_served_is_never_announced():
    world = World()
    world.configure(a=spec())
    world.scan(a="one")
    assert world.configure(a=spec(enabled=False)).messages == ()


def test_draining_workers_are_named_to_those_who_must_let_go_of_them():
    world = World()
    one, two = world.up(workers=2)
    world.failed(two)
    assert world.configure(a=spec(enabled=False)).messages == (Unregister("rule/a", draining=(one,)),)


def test_a_removed_plugins_workers_are_named_in_the_remove():
    world = World()
    workers = world.up(workers=2)
    assert world.scan().messages == (Remove("rule/a", draining=workers),)


def test_enabled_again_while_draining_it_gets_fresh_workers_and_the_draining_are_never_taken_back():
    world = World()
    (old,) = world.up()
    world.configure(a=spec(enabled=False))
    world.configure(a=spec())
    (new,) = world.starts()
    world.started(new)
    assert world.serving() == (new,)
    assert world.phases()[old] is Phase.DRAINING


def test_a_changed_drain_time_leaves_a_drain_under_way_alone():
    world = World()
    (old,) = world.up()
    world.swapped("two")
    world.configure(a=spec(update=UpdateTimes(drain=1.0)))
    world.after(59.9)
    assert world.phases()[old] is Phase.DRAINING
    world.after(0.1)
    assert world.phases()[old] is Phase.STOPPING
