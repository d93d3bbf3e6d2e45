"""Rule 10: shutdown is an event; the same rules unregister, drain and stop."""

import pytest

from controller.core.events import ConfigMissing, ConfigRejected
from controller.core.memory import remember
from controller.core.messages import Unregister
from controller.core.model import Phase, StopTimes, UpdateTimes
from controller.core.readiness import is_finished, missing
from controller.core.reasons import Reason
from tests.core.world import World, spec


def test_hosts_are_told_workers_drain_and_launches_are_cut_off():
    world = World()
    (one,) = world.up()
    world.scan(a="two")
    (two,) = world.starts()
    step = world.shut_down()
    assert step.messages == (Unregister("rule/a", draining=(one,)),)
    assert world.stops() == (two,)
    assert world.drained(one).actions[0].worker == one
    assert not is_finished(world.state)
    world.stopped(one)
    world.stopped(two)
    assert is_finished(world.state)
    assert world.last.wake_at is None


@pytest.mark.parametrize(
    ("drain", "grace", "seconds"),
    [(60.0, 30.0, 26.0), (5.0, 30.0, 5.0), (60.0, 3.0, 0.0), (0.0, 30.0, 0.0)],
)
def test_a_drain_leaves_time_for_the_stop_within_the_grace(drain, grace, seconds):
    world = World()
    (one,) = world.up(update=UpdateTimes(drain=drain), stop=StopTimes(shutdown=3.0, kill=1.0))
    world.shut_down(grace)
    if seconds:
        assert world.last.wake_at == 1000.0 + seconds
        assert world.stops() == ()
        world.after(seconds)
    assert world.stops() == (one,)


def test_a_drain_under_way_is_shortened():
    world = World()
    (one,) = world.up()
    world.swapped("two")
    world.shut_down(10.0)
    assert world.last.wake_at == 1001.0 + 7.0
    world.after(7.0)
    assert one in world.stops()


def test_a_drain_under_way_of_a_disabled_plugin_is_shortened_too():
    world = World()
    (one,) = world.up()
    world.configure(a=spec(enabled=False))
    assert world.shut_down(10.0).wake_at == 1007.0
    world.after(7.0)
    assert world.stops() == (one,)


def test_a_drain_under_way_that_ends_sooner_is_left_alone():
    world = World()
    (one,) = world.up(update=UpdateTimes(drain=5.0))
    world.swapped("two")
    world.configure(a=spec(update=UpdateTimes(drain=20.0)))
    world.shut_down(30.0)
    assert world.last.wake_at == 1006.0
    world.after(5.0)
    assert world.stops() == (one,)


def test_whatever_is_left_half_a_second_before_the_grace_ends_is_killed_once():
    world = World()
    (one,) = world.up(stop=StopTimes(shutdown=0.0, kill=0.0))
    world.configure(a=spec(workers=2, stop=StopTimes(shutdown=0.0, kill=0.0)))
    (two,) = world.starts()
    world.shut_down(10.0)
    assert world.stops() == (two,)
    assert world.last.wake_at == 1009.5
    world.after(9.4)
    assert world.kills() == ()
    world.after(0.1)
    assert world.kills() == (one, two)
    assert world.phases() == {one: Phase.STOPPING, two: Phase.STOPPING}
    assert world.last.wake_at is None
    assert world.after(1.0).actions == ()


def test_the_kill_reaches_workers_of_all_plugins():
    world = World()
    world.configure(a=spec(), b=spec())
    world.scan(a="one", b="one")
    for worker in world.starts():
        world.started(worker)
    world.shut_down(10.0)
    world.after(7.0)
    assert len(world.stops()) == 2
    world.after(2.5)
    assert len(world.kills()) == 2


def test_a_second_request_that_ends_sooner_counts_and_one_that_ends_later_does_not():
    world = World()
    (one,) = world.up()
    world.shut_down(30.0)
    world.shut_down(60.0)
    assert world.state.shutdown_at == 1030.0
    world.now += 1
    world.shut_down(0.0)
    assert world.kills() == (one,)


def test_nothing_starts_and_nothing_is_believed_any_more():
    world = World()
    (one,) = world.up(workers=2)[:1]
    world.shut_down()
    before = world.state
    for ignored in (
        lambda: world.configure(a=spec(workers=5)),
        lambda: world.scan(a="two", b="new"),
        lambda: world.send(ConfigRejected("bad")),
        lambda: world.send(ConfigMissing("gone")),
    ):
        step = ignored()
        assert (step.actions, step.messages) == ((), ())
        assert world.state == before
    world.restart("a")
    assert world.last.actions == ()
    world.failed(one)
    assert world.last.actions == ()


def test_it_is_said_of_plugins_and_pod():
    world = World()
    world.up()
    world.shut_down()
    assert world.condition("Ready").reason is Reason.SHUTTING_DOWN
    assert world.condition("Ready").message == "the controller stops everything"
    pod = world.of_pod("Ready")
    assert (pod.status, pod.reason) == (False, Reason.SHUTTING_DOWN)
    assert missing(world.state) == ("shutting down",)


def test_with_nothing_running_it_is_finished_at_once():
    world = World()
    assert not is_finished(world.state)
    step = world.shut_down()
    assert is_finished(world.state)
    assert step.wake_at is None


def test_last_good_versions_outlive_a_shutdown():
    world = World()
    world.up()
    world.after(60.0)
    before = remember(world.state)
    world.shut_down()
    world.stopped(next(iter(world.phases())))
    assert remember(world.state) == before != {}
