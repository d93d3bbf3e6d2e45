"""Adapters by name, from the entry points of all installed distributions: ours and foreign ones alike."""

from functools import cache
from importlib.metadata import entry_points
from typing import Any

from controller.errors import PluginmgrError
from controller.manager.adapter import PluginAdapter

GROUP = "pluginmgr.adapters"


class UnknownAdapterError(PluginmgrError):
    """No installed distribution offers an adapter of that name."""


def installed() -> frozenset[str]:
    """The names of all adapters that there are."""
    return frozenset(entry_points(group=GROUP).names)


@cache
def adapter(name: str) -> PluginAdapter[Any]:
    """The one instance of the adapter that `name` stands for.

    Raises:
        UnknownAdapterError: nothing of that name is installed; the text lists what is.
    """
    for entry in entry_points(group=GROUP, name=name):
        made: PluginAdapter[Any] = entry.load()()
        return made
    known = ", ".join(sorted(installed())) or "none"
    raise UnknownAdapterError(f"no adapter {name!r} is installed (entry points of {GROUP!r}: {known})")
