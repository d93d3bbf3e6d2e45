"""One plugin's workers as a host sees them: who serves, who drains, how many calls run where, and who waits."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from controller.core.model import Version, WorkerId
from controller.manager.handle import PluginHandle

T = TypeVar("T")


class VersionedPool(Generic[T]):
    """The workers of one plugin's serving version, and those of former ones on which calls still run."""

    def serve(self, version: Version, workers: Sequence[PluginHandle[Any]], max_procs: int) -> None:
        """These and no others get calls from now on."""
        raise NotImplementedError

    def drain(self, workers: Sequence[WorkerId]) -> None:
        """Answer for each once no call runs on it."""
        raise NotImplementedError
