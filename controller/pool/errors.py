"""Why a host gets no worker, or lost the one it had."""

from controller.errors import PluginmgrError


class PoolError(PluginmgrError):
    """Base of all below."""


class NotFoundError(PoolError):
    """Nothing serves under that key now; it may come (back)."""


class RemovedError(PoolError):
    """The plugin's file is gone from the volume: there is a tombstone, and it will not come back by itself."""


class DrainingError(PoolError):
    """The pool is being closed and takes no new call."""


class FullError(PoolError):
    """As many calls wait for a worker of the plugin as may."""


class LostError(PoolError):
    """The channel to the worker was closed during the call: whether the plugin did its work is not known."""
