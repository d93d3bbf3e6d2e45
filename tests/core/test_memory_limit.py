"""Over `limits.memory` a worker is replaced; far over it, at once."""

import pytest

from controller.core.messages import Update
from controller.core.reasons import Reason
from tests.core.world import World, version


def test_over_its_memory_limit_a_serving_worker_drains_and_is_replaced():
    world = World()
    one, two = world.up(workers=2)
    step = world.memory_exceeded(one, 1.1)
    assert step.messages == (Update("rule/a", version("one"), (two,), draining=(one,)),)
    assert len(world.starts()) == 1
    assert (world.stops(), world.kills()) == ((), ())
    assert world.plugin().last_exit.reason is Reason.MEMORY_LIMIT
    assert world.plugin().serving.slots[0].failures == 1


@pytest.mark.parametrize("ratio", [1.2, 3.0])
def test_far_over_its_memory_limit_a_worker_is_killed_after_hosts_were_told(ratio):
    world = World()
    one, two = world.up(workers=2)
    step = world.memory_exceeded(one, ratio)
    assert step.messages == (Update("rule/a", version("one"), (two,)),)
    assert (world.kills(), world.stops()) == ((one,), ())
    assert len(world.starts()) == 1
    world.failed(one)
    assert world.plugin().last_exit.reason is Reason.MEMORY_LIMIT
    world.stopped(one)
    assert one not in world.phases()


def test_far_over_its_memory_limit_a_draining_worker_is_killed_once_and_just_over_it_left_to_drain():
    world = World()
    (one,) = world.up()
    world.swapped("two")
    assert world.memory_exceeded(one, 1.19).actions == ()
    assert world.memory_exceeded(one, 1.2).messages == ()
    assert world.kills() == (one,)
    assert world.memory_exceeded(one, 1.3).actions == ()
    assert world.plugin().last_exit is None


def test_over_its_memory_limit_a_worker_that_never_served_is_stopped_and_replaced():
    world = World()
    world.up()
    world.scan(a="two")
    (two,) = world.starts()
    world.memory_exceeded(two, 1.1)
    assert world.stops() == (two,)
    assert len(world.starts()) == 1
