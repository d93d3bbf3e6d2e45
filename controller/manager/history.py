"""What happened to the plugins and when, with reasons: a view of the steps, newest last, bounded."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from controller.core.events import ConfigRead, Event, RestartRequested
from controller.core.messages import Message, Register, Update
from controller.core.model import Condition, Plugin, PluginKey, State
from controller.core.reasons import Reason
from controller.core.step import Step
from controller.manager.status import timestamp

ENTRIES = 2000
UNREMARKABLE = frozenset({Reason.AS_EXPECTED, Reason.COMPLETE, Reason.NOT_PINNED})  # at first sight


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened; `plugin` is None for the pod as a whole. `at` is wall time."""

    at: float
    plugin: PluginKey | None
    what: str
    reason: str
    message: str

    def as_dict(self) -> dict[str, Any]:
        """The entry as the control socket gives it out."""
        return {
            "time": timestamp(self.at),
            "plugin": self.plugin,
            "what": self.what,
            "reason": self.reason,
            "message": self.message,
        }


class History:
    """The last entries of all plugins together. `heard` gets each one as it comes."""

    def __init__(self, heard: Callable[[Entry], None] = lambda _: None) -> None:
        self._entries: deque[Entry] = deque(maxlen=ENTRIES)
        self._heard = heard

    def observe(self, event: Event, before: State, step: Step, at: float) -> None:
        """Take in what one step changed."""
        for entry in _entries(event, before, step, at):
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Take in what no step tells, such as how the previous run ended."""
        self._entries.append(entry)
        self._heard(entry)

    def entries(self, plugin: PluginKey | None = None) -> list[Entry]:
        """All entries, or one plugin's, oldest first."""
        return [each for each in self._entries if plugin is None or each.plugin == plugin]


def _entries(event: Event, before: State, step: Step, at: float) -> Iterator[Entry]:
    yield from _of_event(event, at)
    changed = [(key, before.plugins.get(key), step.state.plugins.get(key)) for key in sorted(step.touched)]
    for key, old, new in changed:
        if new and new.last_exit and (old is None or old.last_exit != new.last_exit):
            yield Entry(at, key, "WorkerLost", str(new.last_exit.reason), new.last_exit.message)
    yield from (_of_message(message, at) for message in step.messages)
    for key, old, new in changed:
        yield from _of_conditions(key, _conditions(old), _conditions(new), at)
        if old and not new:
            yield Entry(at, key, "Forgotten", "", "nothing of the plugin is left")
    if before.conditions is not step.state.conditions:
        yield from _of_conditions(None, before.conditions, step.state.conditions, at)


def _of_message(message: Message, at: float) -> Entry:
    if isinstance(message, Register | Update):
        text = f"{message.version.digest[:12]}, workers {', '.join(message.workers) or 'none'}"
    else:
        text = f"draining {', '.join(message.draining) or 'none'}"
    return Entry(at, message.plugin, type(message).__name__, "", text)


def _of_event(event: Event, at: float) -> Iterator[Entry]:
    match event:
        case RestartRequested(plugin):
            yield Entry(at, plugin, "RestartRequested", "", "fresh workers were asked for")
        case ConfigRead(config):
            yield Entry(at, None, "ConfigRead", "", f"generation {config.generation}")
        case _:
            return


def _conditions(plugin: Plugin | None) -> tuple[Condition, ...]:
    return plugin.conditions if plugin else ()


def _of_conditions(
    plugin: PluginKey | None, old: tuple[Condition, ...], new: tuple[Condition, ...], at: float
) -> Iterator[Entry]:
    known = {each.type: (each.status, each.reason) for each in old}
    for each in new:
        if each.type not in known and each.reason in UNREMARKABLE:
            continue
        if known.get(each.type) != (each.status, each.reason):
            status = {True: "", False: "Not", None: "Unknown"}[each.status]
            yield Entry(at, plugin, f"{status}{each.type}", str(each.reason), each.message)
