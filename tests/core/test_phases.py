"""The table of a worker's phases, and the drawing made from it."""

import pytest

from controller.core.model import Phase
from controller.core.phases import GONE, TRANSITIONS, Trigger, diagram, follows


def test_every_phase_has_its_arrows():
    assert set(TRANSITIONS) == set(Phase)


@pytest.mark.parametrize("phase", list(Phase))
def test_every_phase_ends_when_nothing_is_left_of_the_worker(phase):
    assert follows(phase, Trigger.STOPPED) == GONE


@pytest.mark.parametrize("phase", list(Phase))
def test_a_worker_can_be_killed_in_every_phase(phase):
    assert follows(phase, Trigger.KILL) is Phase.STOPPING


@pytest.mark.parametrize("trigger", [trigger for trigger in Trigger if trigger not in (Trigger.STOPPED, Trigger.KILL)])
def test_a_worker_that_is_being_stopped_takes_nothing_but_its_end(trigger):
    assert follows(Phase.STOPPING, trigger) is None


@pytest.mark.parametrize("trigger", list(Trigger))
def test_nothing_makes_a_going_worker_ready_again(trigger):
    assert follows(Phase.DRAINING, trigger) is not Phase.READY
    assert follows(Phase.STOPPING, trigger) is not Phase.READY


def test_only_a_ready_worker_drains():
    assert [phase for phase in Phase if follows(phase, Trigger.DRAIN)] == [Phase.READY]


def test_the_drawing_has_every_arrow_of_the_table():
    lines = diagram().splitlines()
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> Starting: Start"]
    assert "    Ready --> Draining: Drain" in lines
    assert "    Stopping --> [*]: Stopped" in lines
    assert len(lines) == 2 + sum(len(arrows) for arrows in TRANSITIONS.values())
    assert diagram().endswith("Stopped\n")
