"""Adapters by name, from the entry points of all installed distributions: ours and foreign ones alike."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from controller.core.model import Handshake
from controller.errors import PluginmgrError
from controller.manager.adapter import PluginAdapter

GROUP = "pluginmgr.adapters"


class UnknownAdapterError(PluginmgrError):
    """No installed distribution offers an adapter of that name."""


class BrokenAdapterError(PluginmgrError):
    """An adapter of that name is installed, and its package cannot be used."""


def installed() -> frozenset[str]:
    """The names of all adapters that there are; none of them is imported for this."""
    return frozenset(entry_points(group=GROUP).names)


def adapter(name: str) -> PluginAdapter[Any]:
    """The one instance of the adapter that `name` stands for.

    Raises:
        UnknownAdapterError: nothing of that name is installed; the text lists what is.
        BrokenAdapterError: it cannot be imported or made.
    """
    found = _found(name)
    if isinstance(found, PluginmgrError):
        raise type(found)(str(found))
    return found


@cache
def _found(name: str) -> PluginAdapter[Any] | PluginmgrError:
    """The instance, or why there is none: looked for once, since it takes reading what all distributions say."""
    for entry in entry_points(group=GROUP, name=name):
        try:
            made: PluginAdapter[Any] = entry.load()()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code, on which only one kind's plugins depend
            return BrokenAdapterError(f"{entry.value} cannot be loaded: {type(error).__name__}: {error}")
        return made
    known = ", ".join(sorted(installed())) or "none"
    return UnknownAdapterError(f"no adapter {name!r} is installed (entry points of {GROUP!r}: {known})")


class Handshakes(Mapping[str, Handshake | None]):
    """What each installed adapter brings as its plugins' handshake. An adapter is loaded when it is asked for."""

    def __init__(self) -> None:
        self._names = installed()

    def __getitem__(self, name: str) -> Handshake | None:
        """Raises PluginmgrError where the adapter cannot be used."""
        if name not in self._names:
            raise KeyError(name)
        found = adapter(name)
        if not found.magic_value:
            return None
        return Handshake(found.cookie_key, found.magic_value, tuple(sorted(found.protocol_versions)))

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
