"""The seam to a plugin kind: how a raw channel becomes something a host can call. Names are those of blink's pluginmgr.

An adapter decides nothing about processes; what it raises fails the start of the one worker it was asked about.
"""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from controller.core.model import Reported
from controller.errors import PluginmgrError
from controller.goplugin import Channel

T = TypeVar("T")


class AdapterError(PluginmgrError):
    """The plugin answered the adapter's handshake wrongly; the text says which call and what came back."""


@dataclass(frozen=True, slots=True)
class Dispensed(Generic[T]):
    """What the handshake with one worker gave: the item that hosts call, and what the plugin says of itself."""

    item: T
    reported: Reported = Reported()


class PluginAdapter(Protocol[T]):
    """One plugin kind. Stateless: one instance serves every worker of every plugin that names it."""

    async def dispense(self, channel: Channel) -> Dispensed[T]:
        """Make the stub and greet the plugin; cancelled when the worker's start timeout ends.

        Raises:
            AdapterError: the plugin is not of this kind, or refused.
            CallError: a call failed; counts as the same.
        """
        ...
