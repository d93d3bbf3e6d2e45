"""Rule 4: at most one serving version and one candidate; the newest target wins; counts change in place."""

from dataclasses import replace

from controller.core.messages import Update
from controller.core.model import Phase
from tests.core.world import World, binary, directory, kind, launch, spec, version


def test_the_newest_target_wins_and_a_candidate_that_is_no_longer_it_is_stopped():
    world = World()
    world.up()
    world.scan(a="two")
    (second,) = world.starts()
    world.scan(a="three")
    assert world.stops() == (second,)
    assert [world.plugin().candidate.target.version, world.plugin().serving.target.version] == [
        version("three"),
        version("one"),
    ]


def test_any_number_of_versions_may_still_drain():
    world = World()
    (one,) = world.up()
    (two,) = world.swapped("two")
    (three,) = world.swapped("three")
    assert world.phases() == {one: Phase.DRAINING, two: Phase.DRAINING, three: Phase.READY}


def test_a_target_that_turns_back_to_what_serves_ends_the_candidate():
    world = World()
    (one,) = world.up()
    world.scan(a="two")
    (two,) = world.starts()
    world.scan(a="one")
    assert world.stops() == (two,)
    assert (world.plugin().candidate, world.serving()) == (None, (one,))


def test_more_workers_join_in_place_in_the_serving_version_and_the_candidate_alike():
    world = World()
    (one,) = world.up()
    world.scan(a="two")
    world.configure(a=spec(workers=2))
    assert world.started_plugins() == ("rule/a", "rule/a")
    assert [len(world.plugin().serving.slots), len(world.plugin().candidate.slots)] == [2, 2]
    assert world.stops() == ()
    assert world.phases()[one] is Phase.READY


def test_an_added_worker_serves_once_it_is_ready():
    world = World()
    (one,) = world.up()
    world.configure(a=spec(workers=2))
    (two,) = world.starts()
    assert world.started(two).messages == (Update("rule/a", version("one"), (one, two)),)


def test_shrinking_takes_the_starting_first_though_they_are_older():
    world = World()
    one, two = world.up(workers=2)
    world.failed(one)
    (three,) = world.starts()
    world.now += 1
    world.unhealthy(two)
    (four,) = world.starts()
    world.now += 1
    world.started(four)
    world.configure(a=spec(workers=1))
    assert world.stops() == (three,)
    assert world.serving() == (four,)


def test_shrinking_takes_the_slot_that_waits_for_a_retry_before_one_that_starts():
    world = World()
    world.configure(a=spec(workers=2))
    world.scan(a="one")
    one, two = world.starts()
    world.now += 1
    world.crashed(two)
    world.crashed(world.starts()[0])
    world.configure(a=spec(workers=1))
    assert world.stops() == ()
    assert world.phases() == {one: Phase.STARTING}


def test_shrinking_takes_the_youngest_of_the_ready_and_it_drains():
    world = World()
    one, two = world.up(workers=2)
    world.now += 5
    world.failed(one)
    (three,) = world.starts()
    world.started(three)
    step = world.configure(a=spec(workers=1))
    assert step.messages == (Update("rule/a", version("one"), (two,), draining=(three,)),)
    assert world.phases()[three] is Phase.DRAINING
    assert [slot.worker for slot in world.plugin().serving.slots] == [two]


def test_shrinking_takes_the_last_of_those_ready_since_the_same_moment():
    world = World()
    one, two, three = world.up(workers=3)
    world.configure(a=spec(workers=2))
    assert world.serving() == (one, two)
    assert world.phases()[three] is Phase.DRAINING


def test_shrinking_a_candidate_stops_its_workers_for_they_never_served():
    world = World()
    world.up(workers=2)
    world.scan(a="two")
    three, four = world.starts()
    world.started(three)
    world.started(four)
    world.configure(a=spec(workers=1))
    assert world.stops() == (four,)


def test_shrinking_keeps_the_slot_whose_backoff_it_would_forget():
    world = World()
    world.configure(a=spec())
    world.scan(a="one")
    for _ in range(2):
        world.crashed(world.starts()[0])
    retry_at = world.last.wake_at
    world.configure(a=spec(workers=3))
    world.configure(a=spec(workers=1))
    assert world.plugin().candidate.slots[0].failures == 2
    assert world.last.wake_at == retry_at


def test_flags_that_do_not_shape_the_process_leave_it_alone():
    world = World()
    world.up()
    step = world.configure(a=spec(required=True, start_timeout=3.0))
    assert (step.actions, step.messages) == ((), ())
    assert world.plugin().spec.start_timeout == 3.0


def test_a_changed_launch_spec_is_a_swap():
    world = World()
    (one,) = world.up()
    world.configure(a=spec(launch=launch("other")))
    (two,) = world.starts()
    world.started(two)
    assert world.after(1.0).messages == (Update("rule/a", version("one", "other"), (two,), draining=(one,)),)


def test_the_same_bytes_in_another_place_are_the_same_version_and_restarts_run_the_new_place():
    world = World()
    (one,) = world.up()
    moved = replace(binary("a", "one"), path="/plugins/rule/a", executable="/elsewhere/a")
    step = world.scan(replace(directory({}), binaries={"a": moved}))
    assert (step.actions, step.messages) == ((), ())
    assert world.failed(one).actions[0].target.binary == moved


def test_the_same_bytes_in_another_place_are_taken_over_by_a_candidate_too():
    world = World()
    world.configure(a=spec())
    world.scan(a="one")
    (one,) = world.starts()
    moved = replace(binary("a", "one"), executable="/elsewhere/a")
    assert world.scan(replace(directory({}), binaries={"a": moved})).actions == ()
    assert world.failed(one).actions[0].target.binary == moved


def test_a_restart_asked_for_replaces_all_workers_without_a_lost_call():
    world = World()
    (one,) = world.up()
    world.restart("a")
    (two,) = world.starts()
    assert world.serving() == (one,)
    world.started(two)
    step = world.after(1.0)
    assert step.messages == (Update("rule/a", version("one", restart=1), (two,), draining=(one,)),)


def test_a_restart_of_an_unknown_plugin_is_ignored():
    world = World()
    world.up()
    before = world.state
    world.restart("nobody")
    assert world.state == before


def test_two_kinds_are_two_plugins_though_the_names_are_equal():
    world = World()
    world.configure(kind({}), kind({}, name="matcher"))
    world.scan(directory({"a": "one"}), directory({"a": "one"}, path="/plugins/matcher"))
    assert world.started_plugins() == ("matcher/a", "rule/a")
