"""What hosts are told: the difference of the serving sets before and after a step, in order per plugin.

Names are those of blink's pluginmgr. The shell adds the live objects; the core only names workers.
"""

from dataclasses import dataclass

from controller.core.model import PluginKey, Version, WorkerId


@dataclass(frozen=True, slots=True)
class Register:
    """The plugin begins to serve with these workers."""

    plugin: PluginKey
    version: Version
    workers: tuple[WorkerId, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """From now on these workers serve. `draining` take no new call; the core waits for `Drained` of each of them."""

    plugin: PluginKey
    version: Version
    workers: tuple[WorkerId, ...]
    draining: tuple[WorkerId, ...] = ()


@dataclass(frozen=True, slots=True)
class Unregister:
    """Nothing serves for now; it may come back."""

    plugin: PluginKey
    draining: tuple[WorkerId, ...] = ()


@dataclass(frozen=True, slots=True)
class Remove:
    """The plugin's file is gone: hosts keep a tombstone."""

    plugin: PluginKey
    draining: tuple[WorkerId, ...] = ()


Message = Register | Update | Unregister | Remove
