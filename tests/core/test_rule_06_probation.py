"""Rule 6: a version that falls into a crash loop in its probation is held, and the last good one comes back."""

from controller.core.messages import Register
from controller.core.model import Problem, Restart, UpdateTimes
from controller.core.reasons import Reason
from tests.core.world import World, bad_update, digest, directory, launch, spec, version


def crash_loop(world: World) -> None:
    """Crash what serves three times in a row; each of its workers comes up before it does."""
    for _ in range(3):
        (worker,) = world.serving()
        world.crashed(worker)
        if not world.starts():
            world.after(1.0)
        mine = world.plugin().serving.slots[0].worker
        if mine is not None:
            world.started(mine)


def test_a_version_becomes_the_last_good_one_when_its_probation_is_over():
    world = World()
    world.up()
    assert world.last.wake_at == 1060.0
    world.after(59.9)
    assert world.plugin().last_good is None
    world.after(0.1)
    assert world.plugin().last_good.version == version("one")


def test_a_version_that_is_down_when_its_probation_ends_is_not_proved_by_time_alone():
    world = World()
    (one,) = world.up()
    world.after(59.0)
    world.failed(one)
    world.after(5.0)
    assert world.plugin().last_good is None
    world.started(world.plugin().serving.slots[0].worker)
    assert world.plugin().last_good.version == version("one")


def test_the_last_good_version_needs_no_second_proof():
    world = World()
    (one,) = world.up(update=UpdateTimes(probation=5.0))
    world.after(5.0)
    world.configure(a=spec(enabled=False))
    world.stopped(one)
    world.configure(a=spec())
    assert world.started(world.starts()[0]).wake_at is None


def test_a_version_in_a_crash_loop_is_not_proved_before_it_was_calm():
    world = World()
    world.up(update=UpdateTimes(probation=5.0), restart=Restart(calm=30.0))
    crash_loop(world)
    world.after(5.0)
    assert world.plugin().last_good is None
    assert len(world.serving()) == 1
    world.after(30.0)
    assert world.plugin().last_good.version == version("one")


def test_a_crash_loop_in_probation_brings_the_last_good_version_back_with_fresh_workers():
    world = World()
    bad_update(world)
    assert world.plugin().held == version("two")
    (fresh,) = world.starts()
    assert world.last.actions[0].target.version == version("one")
    assert world.condition("Degraded").reason is Reason.ROLLED_BACK
    assert world.started(fresh).messages == (Register("rule/a", version("one"), (fresh,)),)
    assert world.condition("Ready").status is True
    assert world.condition("Progressing").reason is Reason.DRAINING  # version one, swapped out before
    for worker in world.after(60.0) and world.stops():
        world.stopped(worker)
    progressing = world.condition("Progressing")
    assert (progressing.status, progressing.reason) == (False, Reason.ROLLED_BACK)


def test_the_held_version_serves_on_as_well_as_it_can_until_the_last_good_one_is_ready():
    world = World()
    world.up(workers=2)
    world.after(60.0)
    world.scan(a="two")
    for worker in world.starts():
        world.started(worker)
    world.after(1.0)
    steady, weak = world.serving()
    for _ in range(2):
        world.crashed(weak)
        if not world.starts():
            world.after(0.5)
        (weak,) = world.starts()
        world.started(weak)
    world.crashed(weak)
    fresh = world.starts()
    assert (world.plugin().held, world.serving()) == (version("two"), (steady,))
    for worker in fresh:
        world.started(worker)
    assert world.serving() == (steady,)
    world.after(1.0)
    assert world.serving() == fresh


def test_a_crash_loop_after_probation_is_left_to_the_backoff():
    world = World()
    world.up()
    world.after(60.0)
    world.swapped("two")
    world.after(60.0)
    crash_loop(world)
    assert world.plugin().held is None
    assert world.plugin().serving.target.version == version("two")


def test_probation_ends_with_its_last_moment():
    world = World()
    world.up(update=UpdateTimes(probation=2.0), restart=Restart(calm=100.0))
    world.after(2.0)
    world.swapped("two")
    for _ in range(2):
        (worker,) = world.serving()
        world.crashed(worker)
        if not world.starts():
            world.after(0.5)
        world.started(world.starts()[0])
    world.now += 1.5
    world.failed(world.serving()[0])
    assert world.plugin().held is None


def test_without_a_last_good_version_the_target_stays():
    world = World()
    world.up()
    crash_loop(world)
    assert world.plugin().held is None
    assert world.plugin().serving.target.version == version("one")


def test_a_last_good_version_that_the_pins_forbid_is_not_gone_back_to():
    world = World()
    bad_update(world, pins=frozenset({digest("one"), digest("two")}))
    assert world.plugin().held == version("two")

    world = World()
    world.up()
    world.after(60.0)
    world.swapped("two")
    world.configure(a=spec(pins=frozenset({digest("two")})))
    crash_loop(world)
    assert world.plugin().held is None


def test_pins_that_forbid_the_last_good_version_afterwards_bring_the_wanted_one_back():
    world = World()
    bad_update(world)
    world.configure(a=spec(pins=frozenset({digest("two")})))
    assert world.plugin().decision.version == version("two")
    assert world.condition("Degraded").reason is not Reason.ROLLED_BACK


def test_a_new_file_ends_the_hold():
    world = World()
    bad_update(world)
    world.scan(a="three")
    assert world.plugin().held is None
    assert world.starts() != ()
    assert world.last.actions[-1].target.version == version("three")
    assert world.condition("Degraded").reason is not Reason.ROLLED_BACK


def test_a_changed_launch_spec_tries_the_held_bytes_again():
    world = World()
    bad_update(world)
    world.started(world.starts()[0])
    world.configure(a=spec(launch=launch("changed")))
    assert world.last.actions[0].target.version == version("two", "changed")


def test_a_restart_asked_for_tries_the_held_version_again():
    world = World()
    bad_update(world)
    world.started(world.starts()[0])
    world.restart("a")
    assert world.last.actions[0].target.version == version("two", restart=1)
    assert world.serving() != ()


def test_flags_that_do_not_shape_the_process_leave_the_hold():
    world = World()
    bad_update(world)
    world.configure(a=spec(workers=2))
    assert world.plugin().held == version("two")


def test_a_disabled_plugin_comes_back_rolled_back():
    world = World()
    bad_update(world)
    world.configure(a=spec(enabled=False))
    world.configure(a=spec())
    assert world.last.actions[0].target.version == version("one")


def test_the_last_good_version_in_a_crash_loop_is_left_to_the_backoff():
    world = World()
    bad_update(world)
    world.started(world.starts()[0])
    crash_loop(world)
    assert world.plugin().held == version("two")
    assert world.plugin().decision.version == version("one")


def test_a_newer_target_wins_over_a_roll_back():
    world = World()
    world.up()
    world.after(60.0)
    world.swapped("two")
    world.scan(a="three")
    for _ in range(3):
        worker = world.plugin().serving.slots[0].worker
        if worker is None:
            world.after(1.0)
            worker = world.plugin().serving.slots[0].worker
        world.crashed(worker)
    assert world.plugin().held is None
    assert world.plugin().candidate.target.version == version("three")


def test_a_restart_of_the_same_version_has_nothing_to_go_back_to():
    world = World()
    world.up()
    world.after(60.0)
    world.restart("a")
    world.started(world.starts()[0])
    world.after(1.0)
    crash_loop(world)
    assert world.plugin().held is None


def test_a_roll_back_happens_though_the_volume_is_missing():
    world = World()
    world.up()
    world.after(60.0)
    world.swapped("two")
    world.scan(directory({}, missing=Problem(Reason.VOLUME_MISSING, "not mounted")))
    crash_loop(world)
    assert world.plugin().held == version("two")
    world.scan(a="two")
    assert world.plugin().decision.version == version("one")
