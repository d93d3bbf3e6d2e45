"""Where a host takes a worker for a call: fed by messages, embedded and behind the registry's client alike.

One owner for state, count and queue: everything happens on the loop's thread, between two awaits, so no call lands on a
worker that is going.
"""

from controller.pool.errors import DrainingError, FullError, LostError, NotFoundError, PoolError, RemovedError
from controller.pool.process import ProcessPool
from controller.pool.versioned import VersionedPool

__all__ = [
    "DrainingError",
    "FullError",
    "LostError",
    "NotFoundError",
    "PoolError",
    "ProcessPool",
    "RemovedError",
    "VersionedPool",
]
