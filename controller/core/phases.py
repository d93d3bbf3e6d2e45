"""A worker's life as one table. Everything that moves a worker to another phase asks here; the docs draw it from here.

It does not know why something happened, or what follows from it: that is for `fold` and `plan`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from controller.core.model import Phase


class Trigger(StrEnum):
    """What can happen to a worker: the first half comes from its supervisor, the second half is our own decision."""

    STARTED = "Started"
    FAILED = "Failed"
    UNHEALTHY = "Unhealthy"
    DRAINED = "Drained"
    STOPPED = "Stopped"
    DRAIN = "Drain"
    STOP = "Stop"
    KILL = "Kill"


GONE: Final = "Gone"  # nothing is left of the worker, it is forgotten
Next = Phase | str

# What is not listed is ignored: it is late, or doubled, or its consequence is already under way.
TRANSITIONS: Final[Mapping[Phase, Mapping[Trigger, Next]]] = {
    Phase.STARTING: {
        Trigger.STARTED: Phase.READY,
        Trigger.FAILED: Phase.STOPPING,
        Trigger.STOP: Phase.STOPPING,
        Trigger.KILL: Phase.STOPPING,
        Trigger.STOPPED: GONE,
    },
    Phase.READY: {
        Trigger.FAILED: Phase.STOPPING,
        Trigger.UNHEALTHY: Phase.STOPPING,
        Trigger.DRAIN: Phase.DRAINING,
        Trigger.STOP: Phase.STOPPING,
        Trigger.KILL: Phase.STOPPING,
        Trigger.STOPPED: GONE,
    },
    Phase.DRAINING: {
        Trigger.DRAINED: Phase.STOPPING,
        Trigger.FAILED: Phase.STOPPING,
        Trigger.UNHEALTHY: Phase.STOPPING,
        Trigger.STOP: Phase.STOPPING,
        Trigger.KILL: Phase.STOPPING,
        Trigger.STOPPED: GONE,
    },
    Phase.STOPPING: {
        Trigger.KILL: Phase.STOPPING,
        Trigger.STOPPED: GONE,
    },
}


def follows(phase: Phase, trigger: Trigger) -> Next | None:
    """Return the phase after `trigger`, GONE, or None where it is to be ignored."""
    return TRANSITIONS[phase].get(trigger)


def diagram() -> str:
    """Draw the table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.STARTING}: Start"]
    for phase, arrows in TRANSITIONS.items():
        for trigger, then in arrows.items():
            lines.append(f"    {phase} --> {'[*]' if then == GONE else then}: {trigger}")
    return "\n".join(lines) + "\n"
