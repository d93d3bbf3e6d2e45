"""The end of a step: open records are frozen, differences announced, counts and wakeups brought up to date."""

from typing import Final

from controller.core import conditions, plan, pod, release
from controller.core.agenda import Agenda, agenda_of
from controller.core.desk import Desk, announced
from controller.core.difference import difference
from controller.core.draft import Draft
from controller.core.index import Index, Queued, Wakeup
from controller.core.messages import Message
from controller.core.model import Off, Plugin, PluginKey, State
from controller.core.reasons import Reason
from controller.core.table import Table

SPARE_ENTRIES: Final = 64  # how many entries of an agenda may be out of date before it matters

Plugins = Table[PluginKey, Plugin]


def close(draft: Draft) -> tuple[State, tuple[Message, ...], frozenset[PluginKey]]:
    """Freeze what was worked at: the new state, what hosts are told, which plugins changed."""
    plugins = draft.was.plugins
    short = draft.was.index.short
    messages: list[Message] = []
    touched: list[PluginKey] = []
    for desk in draft.desks.values():
        tell(desk, messages)
        plugin = frozen(draft, desk)
        if plugin != desk.was:
            touched.append(desk.key)
            plugins = plugins.drop(desk.key) if plugin is None else plugins.put(desk.key, plugin)
            short += is_short(plugin) - is_short(desk.was)
            note_wakeup(draft, plugin, desk.was)
    pod.put(draft, pod.readiness(draft, short))
    return sealed(draft, plugins, short), tuple(messages), frozenset(touched)


def tell(desk: Desk, messages: list[Message]) -> None:
    """Add the message about a plugin, if there is one, and note who is known to hosts now."""
    serving = release.ready_workers(desk.serving, desk.workers)
    message = difference(desk, serving)
    if message is not None:
        messages.append(message)
    for worker in serving:
        desk.has_served = True
        if not desk.workers[worker].served:
            desk.workers[worker] = announced(desk.workers[worker])


def frozen(draft: Draft, desk: Desk) -> Plugin | None:
    """Return the plugin's new record, None if it is forgotten."""
    if not desk.workers and is_over(desk):
        return None
    desk.wake_at = plan.look_again(draft, desk)
    desk.conditions = conditions.of_plugin(draft, desk)
    return desk.record()


def is_over(desk: Desk) -> bool:
    """Tell whether neither file nor config knows the plugin any more."""
    if not isinstance(desk.decision, Off) or desk.named:
        return False
    return desk.decision.reason in (Reason.REMOVED, Reason.KIND_REMOVED)


def is_short(plugin: Plugin | None) -> bool:
    """Tell whether the plugin keeps the pod from being ready."""
    return plugin is not None and conditions.is_short(plugin)


def note_wakeup(draft: Draft, plugin: Plugin | None, was: Plugin | None) -> None:
    """Enter the plugin's next deadline where it is a new one."""
    wake_at = None if plugin is None else plugin.wake_at
    if plugin is not None and wake_at is not None and (was is None or was.wake_at != wake_at):
        draft.wakeups = draft.wakeups.add((wake_at, plugin.key))


def sealed(draft: Draft, plugins: Plugins, short: int) -> State:
    """Return the new state."""
    index = Index(
        draft.owners,
        draft.ids,
        pruned_queue(draft.queue, plugins),
        pruned_wakeups(draft.wakeups, plugins),
        draft.next_worker,
        draft.next_ticket,
        draft.starting,
        short,
        draft.killed,
    )
    return State(
        draft.policy,
        draft.config,
        draft.directories,
        plugins,
        draft.conditions,
        draft.shutdown_at,
        draft.memory,
        index,
    )


def pruned_wakeups(wakeups: Agenda[Wakeup], plugins: Plugins) -> Agenda[Wakeup]:
    """Drop what is out of date from the top, so that the first is the next deadline; all of it when it is much."""
    if wakeups.size > 2 * len(plugins) + SPARE_ENTRIES:
        times = ((plugin.wake_at, key) for key, plugin in plugins.items())
        return agenda_of((time, key) for time, key in times if time is not None)
    while (first := wakeups.first()) is not None:
        plugin = plugins.find(first[1])
        if plugin is not None and plugin.wake_at == first[0]:
            break
        wakeups = wakeups.rest()
    return wakeups


def pruned_queue(queue: Agenda[Queued], plugins: Plugins) -> Agenda[Queued]:
    """Drop all that is out of date when it is much."""
    if queue.size <= 2 * len(plugins) + SPARE_ENTRIES:
        return queue
    tickets = ((plugin.ticket, key) for key, plugin in plugins.items())
    return agenda_of((ticket, key) for ticket, key in tickets if ticket is not None)


def wake_at(draft: Draft, state: State) -> float | None:
    """Return when the next Tick is due."""
    first = state.index.wakeups.first()
    times = (draft.kill_at, None if first is None else first[0])
    return min((time for time in times if time is not None), default=None)
