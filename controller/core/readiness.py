"""What `/readyz` and the end of the process ask: is the controller ready, is it done."""

from collections.abc import Iterator

from controller.core.conditions import is_wanted
from controller.core.facts import PluginKey
from controller.core.model import State


def missing(state: State) -> tuple[str, ...]:
    """Return what keeps the controller from being ready, in words; empty if it is ready."""
    if state.shutdown_at is not None:
        return ("shutting down",)
    if state.config is None:
        return ("no config was read yet",)
    return (*unseen_directories(state), *(f"required {key} has not served yet" for key in waited_for(state)))


def unseen_directories(state: State) -> Iterator[str]:
    """Yield the directories that no scan has looked at."""
    for kind in () if state.config is None else state.config.kinds.values():
        if kind.directory not in state.directories:
            yield f"directory {kind.directory} of kind {kind.name} was not scanned yet"


def waited_for(state: State) -> list[PluginKey]:
    """Return the required plugins that have not served once, those without a record too."""
    wanted = {
        PluginKey(f"{kind.name}/{name}")
        for kind in (() if state.config is None else state.config.kinds.values())
        for name, spec in kind.plugins.items()
        if spec.required and spec.enabled
    }
    wanted.update(key for key, plugin in state.plugins.items() if plugin.spec.required and is_wanted(plugin))
    return sorted(key for key in wanted if key not in state.plugins or not state.plugins[key].has_served)


def is_finished(state: State) -> bool:
    """Tell whether the shutdown is complete: no worker is left."""
    return state.shutdown_at is not None and not state.index.owners
