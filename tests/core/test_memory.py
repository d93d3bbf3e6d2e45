"""What survives a restart of the controller (rule 6), and what the store must keep."""

from controller.core.memory import digests_in_use, remember
from controller.core.model import Memory, Remembered
from tests.core.world import World, bad_update, digest, kind, spec, version


def test_hold_and_last_good_version_survive_a_restart_of_the_controller():
    world = World()
    bad_update(world)
    later = World(memory=remember(world.state))
    later.configure(a=spec())
    later.scan(a="two")
    assert later.last.actions[0].target.version == version("one")
    assert later.plugin().held == version("two")
    later.scan(a="three")
    assert later.last.actions[-1].target.version == version("three")


def test_what_is_remembered_does_not_count_restarts_of_a_life_that_is_over():
    world = World()
    world.up()
    world.restart("a")
    world.started(world.starts()[0])
    world.after(1.0)
    world.after(60.0)
    assert remember(world.state)["rule/a"].last_good.version == version("one")


def test_what_was_remembered_is_kept_until_its_directory_was_seen_and_then_let_go():
    world = World()
    bad_update(world)
    memory: Memory = {**remember(world.state), "rule/gone": remember(world.state)["rule/a"]}
    later = World(memory=memory)
    assert remember(later.state) == memory
    later.configure(a=spec())
    assert remember(later.state) == memory
    later.scan(a="two")
    assert set(remember(later.state)) == {"rule/a"}


def test_what_was_remembered_of_a_kind_that_is_gone_is_let_go():
    world = World(memory={"old/a": Remembered(version("one"), None)})
    world.scan(a="one")
    assert "old/a" in remember(world.state)
    world.configure(kind({}))
    assert remember(world.state) == {}


def test_a_hold_without_a_last_good_version_keeps_nothing_in_the_store():
    assert digests_in_use(World(memory={"rule/a": Remembered(version("one"))}).state) == frozenset()


def test_the_store_keeps_what_runs_what_is_wanted_and_what_may_come_back():
    world = World()
    world.up()
    world.after(60.0)
    world.swapped("two")
    world.scan(a="three")
    assert digests_in_use(world.state) == {digest("one"), digest("two"), digest("three")}
    remembered = World(memory=remember(world.state))
    assert digests_in_use(remembered.state) == {digest("one")}
    world.scan()
    assert digests_in_use(world.state) == {digest("one"), digest("two"), digest("three")}
    for worker in tuple(world.phases()):
        world.stopped(worker)
    assert digests_in_use(world.state) == {digest("one")}
