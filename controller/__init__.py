"""pluginmgr: keeps go-plugin subprocesses as the plugin volume and a PluginConfig say.

The names here are for Python hosts that embed it, for adapters and for hosts that follow the registry. Each is loaded
when it is first asked for, so that whoever needs one part pays for no other.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.core.model import Reported
    from controller.manager.adapter import (
        AdapterError,
        Dispensed,
        ISyncable,
        Plugin,
        PluginAdapter,
        PluginLifecycle,
    )
    from controller.manager.handle import PluginHandle
    from controller.manager.host_messages import (
        Notify,
        RegisterMessage,
        RemoveMessage,
        UnregisterMessage,
        UpdateMessage,
    )
    from controller.manager.plugin_manager import PluginManager
    from controller.metrics import PluginManagerMetrics
    from controller.pool import (
        DrainingError,
        FullError,
        LostError,
        NotFoundError,
        PoolError,
        ProcessPool,
        RemovedError,
        VersionedPool,
    )

__all__ = [
    "AdapterError",
    "Dispensed",
    "DrainingError",
    "FullError",
    "ISyncable",
    "LostError",
    "NotFoundError",
    "Notify",
    "Plugin",
    "PluginAdapter",
    "PluginHandle",
    "PluginLifecycle",
    "PluginManager",
    "PluginManagerMetrics",
    "PoolError",
    "ProcessPool",
    "RegisterMessage",
    "RemoveMessage",
    "RemovedError",
    "Reported",
    "UnregisterMessage",
    "UpdateMessage",
    "VersionedPool",
]

_MODULES = {
    "core.model": ("Reported",),
    "manager.adapter": ("AdapterError", "Dispensed", "ISyncable", "Plugin", "PluginAdapter", "PluginLifecycle"),
    "manager.handle": ("PluginHandle",),
    "manager.host_messages": ("Notify", "RegisterMessage", "RemoveMessage", "UnregisterMessage", "UpdateMessage"),
    "manager.plugin_manager": ("PluginManager",),
    "metrics": ("PluginManagerMetrics",),
    "pool": (
        "DrainingError",
        "FullError",
        "LostError",
        "NotFoundError",
        "PoolError",
        "ProcessPool",
        "RemovedError",
        "VersionedPool",
    ),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
