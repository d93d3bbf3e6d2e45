"""The one function that the shell calls: (state, event, clock) -> what changed and what to do about it."""

from dataclasses import dataclass

from controller.core import finish
from controller.core.actions import Action
from controller.core.draft import Draft
from controller.core.events import Event
from controller.core.fold import fold
from controller.core.messages import Message
from controller.core.model import Clock, PluginKey, State
from controller.core.plan import plan


@dataclass(frozen=True, slots=True)
class Step:
    """Messages go out before actions are begun. `touched` are the plugins whose record changed.

    `wake_at` is the monotonic time of the next Tick that could change anything, None if nothing waits for time.
    """

    state: State
    messages: tuple[Message, ...] = ()
    actions: tuple[Action, ...] = ()
    touched: frozenset[PluginKey] = frozenset()
    wake_at: float | None = None


def step(state: State, event: Event, clock: Clock) -> Step:
    """Fold the event in, decide, and announce the difference."""
    draft = Draft(state, clock)
    fold(draft, event)
    plan(draft)
    after, messages, touched = finish.close(draft)
    return Step(after, messages, tuple(draft.actions), touched, finish.wake_at(draft, after))
