"""Rule 8: one plugin of a kind per reported id."""

from controller.core.index import Claim
from controller.core.messages import Register, Update
from controller.core.model import Phase, Reported
from controller.core.reasons import Reason
from tests.core.world import World, directory, first, kind, spec, two_plugins, version


def test_who_serves_with_an_id_keeps_it_and_the_other_is_refused():
    world = World()
    two_plugins(world)
    b = first(world, "b")
    a = first(world, "a")
    world.started(b, "x")
    step = world.started(a, "x")
    assert step.messages == ()
    assert world.stops() == (a,)
    ready = world.condition("Ready", "a")
    assert (ready.reason, ready.message) == (Reason.DUPLICATE_ID, "reports the id 'x', which rule/b holds")
    world.stopped(a)
    assert world.after(1000.0).actions == ()


def test_flags_that_do_not_shape_the_process_leave_a_refusal_over_an_id():
    world = World()
    two_plugins(world)
    a = first(world, "a")
    world.started(first(world, "b"), "x")
    world.started(a, "x")
    assert world.configure(a=spec(workers=3), b=spec()).actions == ()
    assert world.condition("Ready", "a").reason is Reason.DUPLICATE_ID


def test_a_refusal_over_an_id_is_no_failure():
    world = World()
    two_plugins(world)
    a = first(world, "a")
    world.started(first(world, "b"), "x")
    world.started(a, "x")
    assert world.plugin("a").last_exit is None


def test_of_two_that_do_not_serve_yet_the_first_by_name_gets_the_id():
    world = World()
    two_plugins(world, workers=2)
    b, a = first(world, "b"), first(world, "a")
    world.started(b, "x")
    world.started(a, "x")
    assert world.condition("Ready", "b").reason is Reason.DUPLICATE_ID
    assert set(world.stops()) == set(world.phases("b"))
    assert world.phases("a")[a] is Phase.READY
    assert world.state.index.ids["rule", "x"] == Claim("rule/a", frozenset({"rule/b"}))


def test_of_two_that_do_not_serve_yet_the_last_by_name_is_refused():
    world = World()
    two_plugins(world, workers=2)
    b, a = first(world, "b"), first(world, "a")
    world.started(a, "x")
    world.started(b, "x")
    assert world.condition("Ready", "b").reason is Reason.DUPLICATE_ID


def test_a_plugin_that_serves_another_version_does_not_lose_its_candidates_id_by_name():
    world = World()
    world.configure(a=spec(), b=spec())
    world.scan(b="one")
    world.started(world.starts()[0], "y")
    world.scan(b="two", a="one")
    world.started(first(world, "b"), "x")
    world.started(first(world, "a"), "x")
    assert world.condition("Ready", "a").reason is Reason.DUPLICATE_ID


def test_a_renamed_file_takes_its_id_along():
    world = World()
    world.configure()
    world.scan(b="one")
    (old,) = world.starts()
    world.started(old, "x")
    world.scan(c="one")
    (new,) = world.starts()
    assert world.started(new, "x").messages == (Register("rule/c", version("one"), (new,)),)


def test_whoever_waits_for_an_id_is_tried_again_in_the_step_that_sets_it_free():
    world = World()
    two_plugins(world)
    a = first(world, "a")
    world.started(first(world, "b"), "x")
    world.started(a, "x")
    world.configure(a=spec(), b=spec(enabled=False))
    assert world.started_plugins() == ("rule/a",)
    assert dict(world.state.index.ids) == {}
    assert world.started(world.starts()[0], "x").messages != ()
    assert world.plugin("a").duplicate is None


def test_an_id_is_free_when_its_version_is_no_longer_served():
    world = World()
    two_plugins(world)
    a = first(world, "a")
    world.started(first(world, "b"), "x")
    world.started(a, "x")
    world.scan(a="one", b="three")
    (fresh,) = world.starts()
    world.started(fresh, "y")
    world.after(1.0)
    assert world.started_plugins() == ("rule/a",)


def test_all_that_wait_are_tried_again_and_the_first_by_name_gets_it():
    world = World()
    world.configure(a=spec(workers=2), b=spec(workers=2), c=spec())
    world.scan(a="one", b="two", c="three")
    a, b = first(world, "a"), first(world, "b")
    world.started(first(world, "c"), "x")
    world.started(b, "x")
    world.started(a, "x")
    world.scan(a="one", b="two")
    assert sorted(world.started_plugins()) == ["rule/a", "rule/a", "rule/b", "rule/b"]
    world.started(first(world, "b"), "x")
    world.started(first(world, "a"), "x")
    assert world.condition("Ready", "b").reason is Reason.DUPLICATE_ID
    assert world.plugin("b").duplicate.holder == "rule/a"


def test_other_bytes_are_tried_for_they_may_report_another_id():
    world = World()
    two_plugins(world)
    a = first(world, "a")
    world.started(first(world, "b"), "x")
    world.started(a, "x")
    world.scan(a="three", b="two")
    (fresh,) = world.starts()
    assert world.plugin("a").duplicate is None
    assert world.started(fresh, "z").messages == (Register("rule/a", version("three"), (fresh,)),)


def test_a_changed_id_travels_in_an_update():
    world = World()
    world.configure(a=spec())
    world.scan(a="one")
    (one,) = world.starts()
    world.started(one, "x")
    world.scan(a="two")
    (two,) = world.starts()
    world.started(two, "y")
    assert world.after(1.0).messages == (Update("rule/a", version("two"), (two,), draining=(one,)),)
    assert world.plugin().workers[two].reported == Reported("y")


def test_differing_ids_within_a_version_fail_it():
    world = World()
    world.configure(a=spec(workers=2))
    world.scan(a="one")
    one, two = world.starts()
    world.started(one, "x")
    step = world.started(two, "y")
    assert step.messages == ()
    assert world.stops() == (two,)
    assert world.plugin().last_exit.reason is Reason.ID_MISMATCH
    assert world.plugin().candidate.slots[1].failures == 1


def test_an_empty_id_claims_nothing():
    world = World()
    two_plugins(world)
    for name in ("a", "b"):
        world.started(first(world, name), "")
    assert [world.condition("Ready", name).status for name in ("a", "b")] == [True, True]


def test_kinds_have_their_own_ids():
    world = World()
    world.configure(kind({}), kind({}, name="matcher"))
    world.scan(directory({"a": "one"}), directory({"a": "one"}, path="/plugins/matcher"))
    for worker in world.starts():
        world.started(worker, "x")
    assert [world.condition("Ready", name).status for name in ("rule/a", "matcher/a")] == [True, True]


def test_one_plugins_own_old_version_does_not_stand_in_its_way():
    world = World()
    world.configure(a=spec())
    world.scan(a="one")
    world.started(world.starts()[0], "x")
    world.scan(a="two")
    (two,) = world.starts()
    world.started(two, "x")
    world.after(1.0)
    assert world.serving() == (two,)


def test_a_plugin_that_no_longer_wants_an_id_waits_for_it_no_more():
    world = World()
    two_plugins(world)
    a = first(world, "a")
    world.started(first(world, "b"), "x")
    world.started(a, "x")
    world.stopped(a)
    world.configure(a=spec(enabled=False), b=spec())
    assert world.plugin("a").duplicate is None
    world.configure(a=spec(enabled=False), b=spec(enabled=False))
    assert world.starts() == ()
    assert dict(world.state.index.ids) == {}


def test_what_waits_for_an_id_is_forgotten_with_its_file():
    world = World()
    world.configure()
    world.scan(a="one", b="two")
    a = first(world, "a")
    world.started(first(world, "b"), "x")
    world.started(a, "x")
    world.stopped(a)
    world.scan(b="two")
    assert not world.has("a")
    world.scan()
    assert dict(world.state.index.ids) == {}
    assert world.starts() == ()
