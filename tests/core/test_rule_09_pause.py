"""Rule 9: `paused` freezes targets and counts, and nothing else."""

from controller.core.messages import Register, Unregister
from controller.core.model import Problem, Restart, UpdateTimes
from controller.core.reasons import Reason
from tests.core.world import World, directory, kind, spec, version

GONE = directory({}, missing=Problem(Reason.VOLUME_MISSING, "the mount is gone"))


def test_a_pause_freezes_targets_counts_and_removals():
    world = World()
    (one,) = world.up()
    world.configure(a=spec(), paused=True)
    for change in (
        lambda: world.scan(a="two"),
        lambda: world.configure(a=spec(workers=5), paused=True),
        lambda: world.configure(a=spec(enabled=False), paused=True),
        lambda: world.configure(kind({}, name="other"), paused=True),
        world.scan,
        lambda: world.scan(a="three", b="new"),
        lambda: world.restart("a"),
    ):
        step = change()
        assert (step.actions, step.messages) == ((), ())
    assert world.serving() == (one,)
    assert not world.has("b")
    assert world.of_pod("Paused").status is True
    assert world.state.config.generation == world.generation


def test_what_was_said_in_a_pause_takes_effect_at_its_end():
    world = World()
    (one,) = world.up()
    world.configure(a=spec(), paused=True)
    world.scan(a="two", b="new")
    world.restart("a")
    world.configure(a=spec(workers=2))
    assert sorted(world.started_plugins()) == ["rule/a", "rule/a", "rule/a", "rule/b"]
    assert world.plugin().candidate.target.version == version("two", restart=1)
    assert world.of_pod("Paused").status is False
    assert world.serving() == (one,)


def test_a_kind_written_in_a_pause_waits_for_its_end_even_if_its_directory_is_seen_first():
    world = World()
    world.up()
    both = (kind({"a": spec()}), kind({}, name="matcher"))
    world.configure(*both, paused=True)
    seen = (directory({"a": "one"}), directory({"m": "one"}, path="/plugins/matcher"))
    assert world.scan(*seen).actions == ()
    world.configure(*both)
    assert world.started_plugins() == ("matcher/m",)


def test_at_a_start_in_a_pause_the_flags_at_the_first_look_count():
    world = World()
    world.configure(kind({}), kind({}, name="matcher"), paused=True)  # before any YAML was read
    world.configure(kind({"a": spec(enabled=False)}), kind({"m": spec(workers=2)}, name="matcher"), paused=True)
    gone = directory({}, path="/plugins/matcher", missing=Problem(Reason.VOLUME_MISSING, "not mounted yet"))
    assert world.scan(directory({"a": "one"}), gone).actions == ()
    world.configure(kind({"a": spec()}), kind({"m": spec(workers=3)}, name="matcher"), paused=True)
    assert world.last.actions == ()
    world.scan(directory({"a": "one"}), directory({"m": "one"}, path="/plugins/matcher"))
    assert world.started_plugins() == ("matcher/m",) * 3
    world.configure(kind({"a": spec()}), kind({"m": spec(workers=3)}, name="matcher"))
    assert world.started_plugins() == ("rule/a",)


def test_what_runs_stays_as_it_is_in_a_pause_though_its_volume_is_gone():
    world = World()
    (one,) = world.up()
    world.configure(a=spec(), paused=True)
    world.scan(GONE)
    world.configure(a=spec(workers=5), paused=True)
    world.scan(a="one")
    assert world.serving() == (one,)
    assert world.plugin().spec.workers == 1


def test_failed_workers_restart_in_a_pause():
    world = World()
    (one,) = world.up()
    world.configure(a=spec(), paused=True)
    assert len(world.failed(one).actions) == 1


def test_begun_drains_end_in_a_pause():
    world = World()
    (one,) = world.up()
    world.swapped("two")
    world.configure(a=spec(), paused=True)
    world.after(60.0)
    assert world.stops() == (one,)


def test_a_candidate_waits_unpromoted_in_a_pause():
    world = World()
    (one,) = world.up()
    world.scan(a="two")
    (two,) = world.starts()
    world.configure(a=spec(), paused=True)
    assert world.started(two).wake_at == 1060.0
    world.after(10.0)
    assert world.serving() == (one,)
    progressing = world.condition("Progressing")
    assert (progressing.status, progressing.reason) == (False, Reason.PAUSED)
    step = world.configure(a=spec())
    assert world.serving() == (two,)
    assert step.messages[0].draining == (one,)


def test_a_candidate_waits_in_a_pause_even_when_what_served_is_lost():
    world = World()
    (one,) = world.up()
    world.scan(a="two")
    (two,) = world.starts()
    world.started(two)
    world.configure(a=spec(), paused=True)
    world.failed(one)
    assert world.serving() == ()


def test_nothing_is_rolled_back_in_a_pause():
    world = World()
    world.up(update=UpdateTimes(probation=60.0), restart=Restart(initial_delay=0.5))
    world.after(60.0)
    world.swapped("two")
    world.configure(a=spec(), paused=True)
    for _ in range(3):
        (worker,) = world.serving()
        world.crashed(worker)
        if not world.starts():
            world.after(1.0)
        world.started(world.starts()[0])
    assert world.plugin().held is None


def test_at_a_start_in_a_pause_what_is_first_seen_runs_and_later_files_wait():
    world = World()
    world.configure(a=spec(), paused=True)
    world.scan(GONE)
    world.scan(a="one")
    (one,) = world.starts()
    assert world.started(one).messages == (Register("rule/a", version("one"), (one,)),)
    assert world.scan(a="one", b="two").actions == ()
    assert not world.has("b")


def test_at_a_start_in_a_pause_a_config_that_follows_the_scan_runs_what_is_there():
    world = World()
    world.scan(a="one")
    world.configure(a=spec(), paused=True)
    assert len(world.starts()) == 1


def test_shutdown_proceeds_in_a_pause():
    world = World()
    (one,) = world.up()
    world.configure(a=spec(), paused=True)
    assert world.shut_down().messages == (Unregister("rule/a", draining=(one,)),)


def test_an_id_set_free_in_a_pause_is_taken_at_its_end():
    world = World()
    world.configure(a=spec(), b=spec())
    world.scan(a="one", b="two")
    b = world.plugin("b").candidate.slots[0].worker
    world.started(world.plugin("a").candidate.slots[0].worker, "x")
    world.started(b, "x")
    world.configure(a=spec(), b=spec(), paused=True)
    world.now += 60
    for _ in range(3):
        worker = world.plugin("a").serving.slots[0].worker
        if worker is None:
            world.after(1.0)
            worker = world.plugin("a").serving.slots[0].worker
        world.crashed(worker)
    assert world.plugin("b").duplicate is None
    assert world.plugin("b").candidate is None
    world.configure(a=spec(), b=spec())
    assert world.plugin("b").candidate is not None
