"""Rule 8: a crash keeps an id, a crash loop lets go of it."""

from controller.core.reasons import Reason
from tests.core.world import World, first, spec, two_plugins, version


def test_a_crash_does_not_lose_an_id_to_whoever_waits_for_it():
    world = World()
    two_plugins(world)
    a, b = first(world, "a"), first(world, "b")
    world.started(b, "x")
    world.started(a, "x")
    world.failed(b)
    assert world.started_plugins() == ("rule/b",)


def test_a_crash_loop_that_took_the_last_worker_lets_go_of_the_id():
    world = World()
    two_plugins(world)
    a, b = first(world, "a"), first(world, "b")
    world.started(b, "x")
    world.started(a, "x")
    world.crashed(b)
    world.crashed(world.starts()[0])
    world.after(0.5)
    world.failed(world.starts()[0])
    (fresh,) = world.starts()
    assert world.started(fresh, "x").messages != ()
    world.after(1.0)
    (late,) = world.starts()
    world.started(late, "x")
    assert world.stops() == (late,)
    assert world.plugin("b").last_exit.reason is Reason.DUPLICATE_ID
    assert world.last.wake_at is not None


def test_a_crash_loop_lets_go_of_nothing_while_another_worker_is_ready():
    world = World()
    world.configure(a=spec(workers=2))
    world.scan(a="one")
    one, two = world.starts()
    world.started(one, "x")
    world.started(two, "x")
    for _ in range(3):
        world.crashed(world.plugin().serving.slots[1].worker)
        world.after(1.0)
    assert world.plugin().serving.slots[1].failures == 3
    assert world.state.index.ids["rule", "x"].holder == "rule/a"


def test_a_candidate_in_a_crash_loop_lets_go_of_its_own_id_only():
    world = World()
    world.configure(a=spec())
    world.scan(a="one")
    world.started(world.starts()[0], "x")
    old = world.serving()[0]
    world.scan(a="two")
    world.started(world.starts()[0], "y")
    for _ in range(3):
        world.crashed(world.plugin().candidate.slots[0].worker)
        if old in world.phases():
            world.crashed(old)
        world.after(1.0)
    assert set(world.state.index.ids) == {("rule", "x")}
    assert world.plugin().candidate.target.version == version("two")
