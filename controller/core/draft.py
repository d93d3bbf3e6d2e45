"""The state while a step works at it: the plugins it has opened, the indexes, and the actions collected so far.

It lives for one step only and nobody outside sees it. It keeps the books (phases, owners, launches under way)
and decides nothing; `fold`, `scope` and `plan` do.
"""

from collections.abc import Mapping
from typing import Final

from controller.core import drain
from controller.core.actions import Action, Kill, Stop
from controller.core.desk import Desk, desk_for, desk_of_new, moved
from controller.core.facts import Clock, Config, KindSpec, PluginKey, WorkerId
from controller.core.model import Condition, Decision, Memory, Phase, Plugin, Remembered, State, Worker
from controller.core.phases import GONE, Trigger, follows

ASKS_TO_STOP: Final = frozenset({Trigger.STOP, Trigger.UNHEALTHY, Trigger.DRAINED})
NOTHING: Final = Remembered()
NO_KINDS: Final[Mapping[str, KindSpec]] = {}


class Draft:
    """One step's workplace. Plugins are opened with `open`, and each opened one is planned before the step ends."""

    def __init__(self, state: State, clock: Clock) -> None:
        """Begin with everything as it was."""
        self.was = state
        self.clock = clock
        self.now = clock.monotonic
        self.policy = state.policy
        self.config: Config | None = state.config
        self.directories = state.directories
        self.conditions: tuple[Condition, ...] = state.conditions
        self.shutdown_at = state.shutdown_at
        self.memory: Memory = state.memory
        self.desks: dict[PluginKey, Desk] = {}
        self.unplanned: dict[PluginKey, Desk] = {}
        self.actions: list[Action] = []
        index = state.index
        self.owners = index.owners
        self.ids = index.ids
        self.queue = index.queue
        self.wakeups = index.wakeups
        self.next_worker = index.next_worker
        self.next_ticket = index.next_ticket
        self.starting = index.starting
        self.killed = index.killed

    def open(self, key: PluginKey) -> Desk:
        """Return the plugin's desk; it will be planned."""
        desk = self.unplanned[key] = self.touch(key)
        return desk

    def touch(self, key: PluginKey) -> Desk:
        """Return the plugin's desk for a change from which nothing more follows."""
        desk = self.desks.get(key)
        if desk is None:
            desk = self.desks[key] = desk_for(self.was.plugins[key])
        return desk

    def create(self, kind: KindSpec, name: str, decision: Decision) -> Desk:
        """Begin a plugin's record, with what was remembered of it from an earlier life."""
        key = PluginKey(f"{kind.name}/{name}")
        desk = desk_of_new(kind.name, name, kind.default, decision, self.memory.get(key, NOTHING))
        self.desks[key] = self.unplanned[key] = desk
        return desk

    def knows(self, key: PluginKey) -> bool:
        """Tell whether there is a record of the plugin."""
        return key in self.desks or key in self.was.plugins

    def owner(self, worker: WorkerId) -> Desk | None:
        """Return the desk of the plugin whose worker it is, None for a worker long gone."""
        key = self.owners.find(worker)
        return None if key is None else self.open(key)

    def peek(self, key: PluginKey) -> Desk | Plugin | None:
        """Look at a plugin without opening it."""
        return self.desks.get(key) or self.was.plugins.find(key)

    @property
    def kinds(self) -> Mapping[str, KindSpec]:
        """Return the kinds of the config; none before the first one."""
        return NO_KINDS if self.config is None else self.config.kinds

    @property
    def is_paused(self) -> bool:
        """Tell whether targets and counts are frozen. Ending is never paused."""
        return self.config is not None and self.config.paused and self.shutdown_at is None

    def move(self, desk: Desk, worker: Worker, trigger: Trigger) -> bool:
        """Move a worker as the table of phases says, and ask for what the trigger means; False if it is ignored."""
        then = follows(worker.phase, trigger)
        if then is None:
            return False
        if worker.phase is Phase.STARTING:
            self.starting -= 1
        if then == GONE:
            del desk.workers[worker.id]
            self.owners = self.owners.drop(worker.id)
        else:
            ends = drain.until(desk.spec, self.now, self.shutdown_at) if trigger is Trigger.DRAIN else None
            desk.workers[worker.id] = moved(worker, Phase(then), self.now, ends)
        if trigger in ASKS_TO_STOP:
            self.actions.append(Stop(worker.id, desk.spec.stop.shutdown, desk.spec.stop.kill))
        elif trigger is Trigger.KILL:
            self.actions.append(Kill(worker.id))
        return True

    def end(self, desk: Desk, worker: WorkerId) -> None:
        """End a worker of a release: who has served is drained first (rule 3)."""
        ending = desk.workers[worker]
        self.move(desk, ending, Trigger.DRAIN if ending.served else Trigger.STOP)

    @property
    def kill_at(self) -> float | None:
        """Return when whatever is left will be killed; None if nothing ends, nothing is left, or it was done."""
        if self.shutdown_at is None or self.killed or not self.owners:
            return None
        return self.shutdown_at - self.policy.kill_margin
