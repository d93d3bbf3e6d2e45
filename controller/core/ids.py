"""Who holds which reported id (rule 8): one plugin of a kind per id.

An id is held by a plugin while its serving or candidate version has reported it. A worker that crashes does not let
go of it: its replacement is on the way, and who has an id keeps it. A version that lost its last worker to a crash loop
does.
"""

from controller.core import desired, scope
from controller.core.desk import Desk
from controller.core.draft import Draft
from controller.core.index import Claim, IdKey
from controller.core.model import Duplicate, Plugin, PluginKey, Reported

NOBODY = Claim()


def claims(plugin: Plugin | Desk | None) -> set[IdKey]:
    """Return the ids that the plugin's versions have reported."""
    if plugin is None:
        return set()
    found = set()
    for version in (plugin.serving, plugin.candidate):
        if version is not None and version.reported is not None and version.reported.id:
            found.add((plugin.kind, version.reported.id))
    return found


def other_holder(draft: Draft, desk: Desk, reported: Reported) -> PluginKey | None:
    """Return the other plugin that holds the id, None if it is free or empty."""
    holder = draft.ids.get((desk.kind, reported.id), NOBODY).holder
    return None if holder == desk.key else holder


def gives_way(draft: Draft, holder: PluginKey, desk: Desk) -> bool:
    """Tell whether the holder gives the id up: neither of the two serves yet, and the newcomer comes first by name."""
    plugin = draft.peek(holder)
    return plugin is not None and plugin.serving is None and desk.serving is None and desk.key < holder


def refuse(desk: Desk, reported_id: str, holder: PluginKey) -> None:
    """Refuse the plugin's candidate over its id; what serves goes on."""
    if desk.candidate is not None:  # pragma: no branch - only a candidate can be refused over its id
        desk.duplicate = Duplicate(desk.candidate.target.version, reported_id, holder)
        desk.decision = desired.refusal(desk.duplicate)


def sync(draft: Draft, desk: Desk) -> None:
    """Bring the index up to date with a plugin; whoever waits for an id set free is tried again at once."""
    held = claims(desk)
    for key in held:
        claim = draft.ids.get(key, NOBODY)
        if claim.holder != desk.key:
            draft.ids = draft.ids.put(key, Claim(desk.key, claim.waiting))
    for key in sorted(claims(desk.was) - held):
        if draft.ids.get(key, NOBODY).holder == desk.key:
            set_free(draft, key)
    before = desk.was.duplicate if desk.was else None
    if before != desk.duplicate:
        wait(draft, desk, before, here=False)
        wait(draft, desk, desk.duplicate, here=True)


def set_free(draft: Draft, key: IdKey) -> None:
    """Try again, by name, all that wait for an id that nobody holds any more."""
    waiting = draft.ids[key].waiting
    draft.ids = draft.ids.drop(key)
    for name in sorted(waiting):
        desk = draft.open(name)
        desk.duplicate = None
        scope.redecide(draft, desk)


def wait(draft: Draft, desk: Desk, duplicate: Duplicate | None, *, here: bool) -> None:
    """Note that the plugin waits, or no longer waits, for the holder of an id to let go."""
    if duplicate is not None:
        key = (desk.kind, duplicate.id)
        claim = draft.ids.get(key, NOBODY)
        waiting = claim.waiting | {desk.key} if here else claim.waiting - {desk.key}
        claim = Claim(claim.holder, waiting)
        draft.ids = draft.ids.drop(key) if claim == NOBODY else draft.ids.put(key, claim)
