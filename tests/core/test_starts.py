"""Who starts next: so many at a time, first come first served, what crashed before all."""

from controller.core.model import Policy
from tests.core.world import World, spec, version


def test_starts_are_bounded_and_made_in_the_order_asked_for():
    world = World(policy=Policy(max_starting=2))
    world.configure(a=spec(workers=2), b=spec(), c=spec())
    world.scan(a="one", b="one", c="one")
    one, two = world.starts()
    world.started(one)
    assert world.started_plugins() == ("rule/b",)
    world.failed(two)
    assert world.started_plugins() == ("rule/c",)
    world.started(world.plugin("c").candidate.slots[0].worker)
    assert world.started_plugins() == ("rule/a",)


def test_whoever_gives_up_its_place_goes_to_the_end_and_whoever_is_only_looked_at_keeps_it():
    world = World(policy=Policy(max_starting=1))
    world.configure(a=spec(), b=spec(), c=spec(), d=spec())
    world.scan(a="one", b="one", c="one", d="one")
    (one,) = world.starts()
    world.configure(a=spec(), b=spec(enabled=False), c=spec(), d=spec())
    world.configure(a=spec(), b=spec(), c=spec(required=True), d=spec())
    order = []
    for _ in range(3):
        world.started(one)
        order += world.started_plugins()
        (one,) = world.starts()
    assert order == ["rule/c", "rule/d", "rule/b"]


def test_a_launch_that_is_cut_off_makes_room():
    world = World(policy=Policy(max_starting=1))
    world.configure(a=spec(), b=spec())
    world.scan(a="one", b="one")
    world.configure(a=spec(enabled=False), b=spec())
    assert world.started_plugins() == ("rule/b",)


def test_replacements_of_crashed_workers_that_served_go_first():
    world = World(policy=Policy(max_starting=1))
    (one,) = world.up()
    world.configure(a=spec(), b=spec(), c=spec())
    world.scan(a="one", b="one", c="one")
    world.failed(one)
    assert world.started_plugins() == ()
    world.started(world.plugin("b").candidate.slots[0].worker)
    assert world.started_plugins() == ("rule/a",)


def test_a_plugin_that_waits_for_a_start_moves_up_when_what_serves_of_it_crashes():
    world = World(policy=Policy(max_starting=1))
    (one,) = world.up()
    world.configure(a=spec(), b=spec(), c=spec())
    world.scan(a="two", b="one", c="one")
    (candidate,) = world.starts()
    world.configure(a=spec(workers=2), b=spec(), c=spec())
    world.failed(one)
    assert world.started_plugins() == ()
    assert world.started(candidate).actions[0].target.version == version("one")


def test_a_place_in_the_queue_is_lost_when_nothing_is_to_be_started_any_more():
    world = World(policy=Policy(max_starting=1))
    world.configure(a=spec(), b=spec(), c=spec())
    world.scan(a="one", b="one", c="one")
    (one,) = world.starts()
    world.configure(a=spec(), b=spec(enabled=False), c=spec())
    world.started(one)
    assert world.started_plugins() == ("rule/c",)
