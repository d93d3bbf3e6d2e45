"""Every exit that the status names is counted, also one that the core finds out by itself."""

from controller.core.events import Started
from controller.core.model import Clock, Reported
from controller.core.reasons import Reason
from controller.core.step import step
from controller.metrics.counts import Tally
from tests.core.world import World, spec


def test_a_worker_refused_over_its_id_is_counted():
    world = World()
    world.configure(a=spec(workers=2))
    world.scan(a="one")
    first, second = world.starts()
    world.started(first, "an-id")
    tally = Tally()
    tally.plugins["rule/a"] = tally.other
    event = Started(second, 7, Reported("another"))
    tally.count(event, world.state, step(world.state, event, Clock(world.now, world.now, 0.0)))
    assert tally.other.exits[Reason.ID_MISMATCH] == 1
