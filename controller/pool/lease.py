"""A worker for the length of a block: what `ProcessPool.acquire` gives."""

from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from controller.core.model import WorkerId
from controller.manager.handle import PluginHandle
from controller.pool.faults import is_transport_error
from controller.pool.member import Member
from controller.pool.versioned import NOBODY, VersionedPool

T = TypeVar("T")


class Source(Protocol):
    """Where leases come from."""

    def find(self, key: str) -> VersionedPool[Any]:
        """Return the pool of a plugin; raises PoolError."""
        ...

    def settle(self, pool: VersionedPool[Any]) -> None:
        """Look whether the pool is still needed."""
        ...


class Lease(Generic[T]):
    """Enter it once."""

    __slots__ = ("_avoid", "_is_patient", "_key", "_member", "_pool", "_seconds", "_source", "handle")
    handle: PluginHandle[T]
    _pool: VersionedPool[T]
    _member: Member

    def __init__(
        self,
        source: Source,
        key: str,
        seconds: float | None,
        avoid: frozenset[WorkerId] = NOBODY,
        *,
        is_patient: bool = False,
    ) -> None:
        """Remember what is wanted; nothing is taken yet."""
        self._source = source
        self._key = key
        self._seconds = seconds
        self._avoid = avoid
        self._is_patient = is_patient

    async def take(self) -> PluginHandle[T]:
        """Take a worker; `release` it."""
        pool = self._pool = self._source.find(self._key)
        try:
            member = self._member = await pool.take(self._seconds, self._avoid, is_patient=self._is_patient)
        except BaseException:
            self._source.settle(pool)
            raise
        self.handle = member.handle
        return self.handle

    __aenter__ = take

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the worker back."""
        self.release(error)

    def release(self, error: BaseException | None) -> None:
        """Give the worker back; a transport error ejects it."""
        self._pool.give_back(self._member, is_broken=error is not None and is_transport_error(error))
        self._source.settle(self._pool)
