"""A live worker as hosts see it."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from controller.core.model import PluginKey, Reported, Version, WorkerId

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PluginHandle(Generic[T]):
    """One ready worker. Its supervisor owns the process: a handle can be called through, never stopped."""

    worker: WorkerId
    plugin: PluginKey
    version: Version
    pid: int
    network: str  # "unix" or "tcp"
    address: str  # what a host dials: the socket's path, or host:port
    reported: Reported
    item: T
    adapter: str = "standard"
    concurrency: int | None = None  # how many calls at once a host may have on it; None: any number
