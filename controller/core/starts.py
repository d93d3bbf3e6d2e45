"""Who starts next: a bounded number at a time, first come first served, crashed workers that served before all.

A plugin has one place in the queue, however many of its slots are empty.
"""

from typing import Final

from controller.core import release
from controller.core.actions import Start
from controller.core.desk import Desk, Place
from controller.core.draft import Draft
from controller.core.model import Phase, Plugin, Slot, Worker, WorkerId

REPLACEMENT: Final = 0
FRESH: Final = 1


def next_start(desk: Desk | Plugin, now: float) -> tuple[int, Place] | None:
    """Return the plugin's most urgent start and how urgent it is, None if it wants none now."""
    found = None
    for is_serving, version in ((True, desk.serving), (False, desk.candidate)):
        for number, slot in enumerate(() if version is None else version.slots):
            if version is not None and release.is_due(slot, now):
                if is_serving and slot.failures:
                    return REPLACEMENT, Place(is_serving, version, number)
                found = found or (FRESH, Place(is_serving, version, number))
    return found


def queue(draft: Draft, desk: Desk) -> None:
    """Give the plugin its place in the queue, or take it away."""
    most_urgent = next_start(desk, draft.now)
    if most_urgent is None:
        desk.ticket = None
    elif desk.ticket is None or desk.ticket[0] != most_urgent[0]:
        desk.ticket = (most_urgent[0], draft.next_ticket)
        draft.next_ticket += 1
        draft.queue = draft.queue.add((desk.ticket, desk.key))


def give_out(draft: Draft) -> None:
    """Start as many workers as there is room for."""
    while draft.starting < draft.policy.max_starting and (first := draft.queue.first()) is not None:
        ticket, key = first
        plugin = draft.peek(key)
        due = None if plugin is None or plugin.ticket != ticket else next_start(plugin, draft.now)
        if due is None:
            draft.queue = draft.queue.rest()  # out of date
        else:
            desk = draft.touch(key)
            start(draft, desk, due[1])
            queue(draft, desk)


def start(draft: Draft, desk: Desk, place: Place) -> None:
    """Start a worker in an empty slot."""
    worker = WorkerId(f"w{draft.next_worker:x}")
    slot = place.release.slots[place.number]
    target = place.release.target
    draft.next_worker += 1
    draft.starting += 1
    draft.owners = draft.owners.put(worker, desk.key)
    desk.workers[worker] = Worker(worker, desk.key, target.version, Phase.STARTING, draft.now)
    started = release.with_slot(place.release, place.number, Slot(worker, slot.failures))
    desk.put(place, release.with_spawn(started, draft.now))
    desk.restarts += slot.failures > 0
    draft.actions.append(Start(worker, desk.key, target, desk.spec))
