"""Which plugins a config, a scan or a shutdown concerns, and their new decisions. Only what changed is decided again.

Rules 6 to 9 and `paused` meet here; what the facts say of one plugin is `desired`'s, what follows from it is `plan`'s.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from controller.core import desired
from controller.core.desk import Desk
from controller.core.draft import Draft
from controller.core.facts import Config, Directory, KindSpec, PluginKey, PluginSpec
from controller.core.model import Off, Refused, Target
from controller.core.reasons import Reason

UNDECIDED: Final = Off(Reason.REMOVED)  # what a new record says until it is decided, within the same step


def take_config(draft: Draft, config: Config) -> None:
    """Believe another config; what it says in a pause takes effect at its end, till then the kinds stay."""
    before = draft.config
    if before is not None and config.paused:
        draft.config = replace(config, kinds=kinds_in_pause(draft, before, config))
        for plugin in () if before.paused else draft.was.plugins.values():
            if plugin.candidate is not None:
                draft.open(plugin.key)  # it waits from now on, and has to say so
        return
    draft.config = config
    kinds = draft.was.config.kinds if draft.was.config is not None else {}
    known = known_names(draft)
    for kind in sorted({*kinds, *config.kinds}):
        old, new = kinds.get(kind), config.kinds.get(kind)
        every = before is not None and before.paused
        if every or old != new:
            names = known.get(kind, set()) | listed_names(draft, new)
            consider(draft, kind, (name for name in names if every or flags(old, name) != flags(new, name)))
    forget_memory(draft)


def kinds_in_pause(draft: Draft, before: Config, config: Config) -> dict[str, KindSpec]:
    """Return the kinds as they stay; those of which nothing was seen yet have nothing to keep."""
    known = known_names(draft)
    kinds = {}
    for name, kind in before.kinds.items():
        directory = draft.directories.get(kind.directory)
        is_seen = name in known or (directory is not None and directory.missing is None)
        kinds[name] = kind if is_seen else config.kinds.get(name, kind)
    return kinds


def take_scan(draft: Draft, directories: Mapping[str, Directory]) -> None:
    """Believe another scan."""
    before, draft.directories = draft.directories, directories
    known = known_names(draft)
    for kind, spec in sorted(draft.kinds.items()):
        old, new = before.get(spec.directory), directories.get(spec.directory)
        if old != new:
            names = known.get(kind, set()) | listed_names(draft, spec)
            consider(draft, kind, (name for name in names if file(old, name) != file(new, name)))
    forget_memory(draft)


def shut_down(draft: Draft, grace: float) -> None:
    """Want nothing any more (rule 10). Asked again, the earlier end counts."""
    end = draft.now + grace
    draft.shutdown_at = end if draft.shutdown_at is None else min(end, draft.shutdown_at)
    for key in sorted(draft.was.plugins):
        draft.open(key).decision = Off(Reason.SHUTTING_DOWN)


def consider(draft: Draft, kind: str, names: Iterable[str]) -> None:
    """Decide about these names, known or not."""
    for name in sorted(names):
        key = PluginKey(f"{kind}/{name}")
        if draft.knows(key):
            redecide(draft, draft.open(key))
        else:
            admit(draft, draft.kinds[kind], name)


def redecide(draft: Draft, desk: Desk) -> None:
    """Decide again about a plugin that is known; in a pause and at the end all stays."""
    kind = draft.kinds.get(desk.kind)
    if draft.is_paused or draft.shutdown_at is not None:
        return
    if kind is None:
        desk.named = False
        desk.decision = Off(Reason.KIND_REMOVED)
    else:
        decide(draft, desk, kind)


def admit(draft: Draft, kind: KindSpec, name: str) -> None:
    """Begin a record for a name not known yet, unless its directory is not, or this is a pause and no first look.

    If there is no file and the config does not name it either, the record is forgotten again as the step ends.
    """
    directory = draft.directories.get(kind.directory)
    if file(directory, name) is None:
        return
    if draft.is_paused and file(draft.was.directories.get(kind.directory), name) is not None and draft.was.config:
        return
    decide(draft, draft.create(kind, name, UNDECIDED), kind)


def decide(draft: Draft, desk: Desk, kind: KindSpec) -> None:
    """Join flags, file and what was learnt; where they say nothing, the former decision stays."""
    directory = draft.directories.get(kind.directory)
    desk.spec = spec_of(kind, desk.name)
    desk.named = is_named(kind, desk.name)
    desk.problem = None if directory is None else directory.problems.get(desk.name)
    decided = desired.natural(desk.spec, directory, desk.name, desk.restart)
    if isinstance(decided, Target):
        decided = with_lessons(desk, decided)
    if decided is not None:
        desk.decision = decided


def with_lessons(desk: Desk, target: Target) -> Target | Refused:
    """Apply what was learnt of this version, and forget what was learnt of another one."""
    if desk.held != target.version:
        desk.held = None
    target = desired.rolled_back(target, desk.spec, desk.held, desk.last_good)
    if desk.duplicate is not None and desk.duplicate.version == target.version:
        return desired.refusal(desk.duplicate)
    desk.duplicate = None
    return target


def forget_memory(draft: Draft) -> None:
    """Let go of what was remembered of names that are decided by now."""
    if draft.memory and draft.config is not None:
        draft.memory = {key: value for key, value in draft.memory.items() if is_undecided(draft, key)}


def is_undecided(draft: Draft, key: PluginKey) -> bool:
    """Tell whether a remembered plugin may still turn up: its kind is there and its directory was not seen yet."""
    kind, _, name = key.partition("/")
    return kind in draft.kinds and file(draft.directories.get(draft.kinds[kind].directory), name) is None


# --- what is compared -------------------------------------------------------------------------------------------------


def file(directory: Directory | None, name: str) -> tuple[object, object] | None:
    """Return what a scan says of one name; None if it says nothing (rule 9)."""
    if directory is None or not directory.tells_of(name):
        return None
    return (directory.binaries.get(name), directory.problems.get(name))


def flags(kind: KindSpec | None, name: str) -> tuple[str, PluginSpec, bool] | None:
    """Return what a config says of one name; None if it has no such kind."""
    return None if kind is None else (kind.directory, spec_of(kind, name), is_named(kind, name))


def spec_of(kind: KindSpec, name: str) -> PluginSpec:
    """Return a plugin's flags."""
    return kind.plugins.get(name, kind.default)


def is_named(kind: KindSpec, name: str) -> bool:
    """Tell whether an entry names and enables the plugin."""
    return name in kind.plugins and name not in kind.hinted and kind.plugins[name].enabled


def known_names(draft: Draft) -> dict[str, set[str]]:
    """Return the names that have a record, by kind."""
    known: dict[str, set[str]] = {}
    for plugin in draft.was.plugins.values():
        known.setdefault(plugin.kind, set()).add(plugin.name)
    return known


def listed_names(draft: Draft, kind: KindSpec | None) -> set[str]:
    """Return the names that the config or the scan lists."""
    if kind is None:
        return set()
    directory = draft.directories.get(kind.directory)
    files = set() if directory is None else {*directory.binaries, *directory.problems}
    return files | set(kind.plugins)
