"""Rule 1: when a version begins to serve."""

from controller.core.messages import Register, Unregister, Update
from controller.core.model import Restart, UpdateTimes
from controller.core.reasons import Reason
from tests.core.world import World, directory, spec, version


def test_a_first_version_serves_when_all_wanted_workers_are_ready():
    world = World()
    world.configure(a=spec(workers=2))
    world.scan(a="one")
    first, second = world.starts()
    assert world.started(second).messages == ()
    assert world.started(first).messages == (Register("rule/a", version("one"), (first, second)),)


def test_a_first_version_serves_with_those_ready_once_the_start_timeout_from_the_first_spawn_is_over():
    world = World()
    world.configure(a=spec(workers=2, start_timeout=10.0))
    world.scan(a="one")
    first, second = world.starts()
    world.after(3.0)
    assert world.started(first).wake_at == 1010.0
    assert world.after(6.9).messages == ()
    assert world.after(0.1).messages == (Register("rule/a", version("one"), (first,)),)
    assert world.condition("Degraded").reason is Reason.PARTLY_READY
    assert world.started(second).messages == (Update("rule/a", version("one"), (first, second)),)
    assert world.condition("Degraded").status is False


def test_the_start_timeout_without_a_ready_worker_promotes_nothing_and_the_first_to_be_ready_serves_at_once():
    world = World()
    world.configure(a=spec(workers=2))
    world.scan(a="one")
    _, second = world.starts()
    assert world.after(10.0).messages == ()
    assert world.started(second).messages == (Register("rule/a", version("one"), (second,)),)


def test_a_retried_worker_does_not_move_the_start_timeout():
    world = World()
    world.configure(a=spec(workers=2))
    world.scan(a="one")
    first, second = world.starts()
    world.started(first)
    world.now += 5.0
    world.crashed(second)
    assert world.after(5.0).messages == (Register("rule/a", version("one"), (first,)),)


def test_the_old_version_serves_until_every_worker_of_the_candidate_was_ready_for_min_ready_seconds():
    world = World()
    old = world.up(workers=2, update=UpdateTimes(min_ready=3.0))
    world.scan(a="two")
    third, fourth = world.starts()
    world.started(third)
    world.after(5.0)
    assert world.serving() == old
    assert world.started(fourth).wake_at == 1008.0
    assert world.after(2.9).messages == ()
    assert world.after(0.1).messages == (Update("rule/a", version("two"), (third, fourth), draining=old),)


def test_a_candidate_worker_lost_within_min_ready_seconds_begins_them_anew():
    world = World()
    (old,) = world.up(update=UpdateTimes(min_ready=3.0))
    world.scan(a="two")
    (first,) = world.starts()
    world.started(first)
    world.now += 2.0
    (second,) = tuple(action.worker for action in world.failed(first).actions)
    world.started(second)
    world.after(2.9)
    assert world.serving() == (old,)
    world.after(0.1)
    assert world.serving() == (second,)


def test_the_start_timeout_does_not_promote_over_a_version_that_serves():
    world = World()
    old = world.up(workers=2)
    world.scan(a="two")
    world.started(world.starts()[0])
    world.after(1000.0)
    assert world.serving() == old


def test_crashed_workers_of_the_old_version_are_restarted_while_the_candidate_gets_ready():
    world = World()
    (old,) = world.up()
    world.scan(a="two")
    crash = world.failed(old)
    assert [action.target.version for action in crash.actions] == [version("one")]


def test_a_candidate_is_never_given_up():
    world = World()
    world.up(restart=Restart(max_delay=10.0))
    world.scan(a="two")
    for _ in range(20):
        (worker,) = world.starts()
        world.crashed(worker)
        if not world.starts():
            world.after(10.0)
    assert [action.target.version for action in world.last.actions] == [version("two")]
    progressing = world.condition("Progressing")
    assert (progressing.status, progressing.reason) == (False, Reason.CRASH_LOOP)
    assert world.condition("Ready").status is True


def test_once_nothing_serves_any_more_a_candidate_is_promoted_as_if_nothing_had():
    world = World()
    (old,) = world.up(update=UpdateTimes(min_ready=30.0))
    world.scan(a="two")
    (new,) = world.starts()
    world.started(new)
    step = world.failed(old)
    assert step.messages == (Update("rule/a", version("two"), (new,)),)
    assert step.actions == ()


def test_a_candidate_partly_ready_after_its_start_timeout_takes_over_when_the_last_old_worker_is_lost():
    world = World()
    one, two = world.up(workers=2)
    world.scan(a="two")
    (new, _) = world.starts()
    world.started(new)
    world.after(10.0)
    world.failed(one)
    assert world.failed(two).messages == (Update("rule/a", version("two"), (new,)),)


def test_a_candidate_with_no_ready_worker_does_not_take_over():
    world = World()
    (old,) = world.up()
    world.scan(a="two")
    world.after(11.0)
    assert world.failed(old).messages == (Unregister("rule/a"),)


def test_promotion_ends_the_old_versions_launch_under_way():
    world = World()
    (old,) = world.up()
    world.scan(a="two")
    (new,) = world.starts()
    world.failed(old)
    (again,) = world.starts()
    assert world.started(new).messages == (Register("rule/a", version("two"), (new,)),)
    assert world.stops() == (again,)


def test_no_workers_wanted_is_a_version_that_serves_with_none():
    world = World()
    world.up(workers=2)
    world.configure(a=spec(workers=0))
    world.scan(a="two")
    plugin = world.plugin()
    assert (plugin.candidate, plugin.serving and plugin.serving.target.version) == (None, version("two"))
    assert world.condition("Ready").status is True


def test_a_plugin_that_no_entry_names_runs_with_the_defaults_of_its_kind():
    world = World()
    world.configure()
    world.scan(directory({"b": "one"}))
    assert world.started_plugins() == ("rule/b",)
