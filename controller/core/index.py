"""What the step looks things up in: derived from the plugins, so that an event need not walk through all of them.

Views do not read it, and two states that differ only here hold the same facts.
"""

from dataclasses import dataclass, field

from controller.core.agenda import Agenda
from controller.core.facts import PluginKey, WorkerId
from controller.core.table import Table

Ticket = tuple[int, int]  # (0 for what served and crashed, else 1; running number): the order in which starts are made
IdKey = tuple[str, str]  # (kind, reported id)
Queued = tuple[Ticket, PluginKey]
Wakeup = tuple[float, PluginKey]


@dataclass(frozen=True, slots=True)
class Claim:
    """Who holds a reported id, and who was refused over it. `holder` is None only inside a step."""

    holder: PluginKey | None = None
    waiting: frozenset[PluginKey] = frozenset()


@dataclass(frozen=True, slots=True)
class Index:
    """`queue` and `wakeups` may hold entries that are out of date: a plugin's own `ticket` and `wake_at` decide."""

    owners: Table[WorkerId, PluginKey] = field(default_factory=Table)
    ids: Table[IdKey, Claim] = field(default_factory=Table)
    queue: Agenda[Queued] = field(default_factory=Agenda)
    wakeups: Agenda[Wakeup] = field(default_factory=Agenda)
    next_worker: int = 1
    next_ticket: int = 1
    starting: int = 0  # workers whose launch is under way
    short: int = 0  # plugins that are wanted and not ready
    killed: bool = False  # the SIGKILL at the end of the grace has gone out
