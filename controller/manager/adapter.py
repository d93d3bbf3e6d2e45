"""The seam to a plugin kind: how a raw channel becomes something a host can call. Names are those of blink's pluginmgr.

An adapter decides nothing about processes; what it raises fails the start of the one worker it was asked about.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from controller.core.model import Digest, Reported
from controller.errors import PluginmgrError
from controller.goplugin import Channel

T = TypeVar("T")

IN_PLACE = frozenset({"enabled", "kill_switch", "min_procs", "max_procs"})


class AdapterError(PluginmgrError):
    """The plugin answered the adapter's handshake wrongly; the text says which call and what came back."""


class ISyncable(Protocol):
    """What hosts and adapters may know of anything that is kept in step with the volume."""

    @property
    def name(self) -> str:
        """The name within its kind."""
        ...

    @property
    def description(self) -> str:
        """What it does, for people."""
        ...

    @property
    def enabled(self) -> bool:
        """Whether it wants to run."""
        ...

    @property
    def checksum(self) -> str:
        """SHA-256 of its bytes, in hex."""
        ...


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin file as an adapter sees it; an ISyncable.

    `metadata` is what `PluginAdapter.sidecar` made of the YAML file beside the binary: empty where there is none.
    """

    kind: str
    name: str
    path: str  # on the volume
    checksum: Digest
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def description(self) -> str:
        """What the metadata says it does."""
        return str(self.metadata.get("description", ""))

    @property
    def enabled(self) -> bool:
        """What the metadata says; the PluginConfig may say otherwise."""
        return bool(self.metadata.get("enabled", True))


class Metadata(dict[str, Any]):
    """What `PluginAdapter.sidecar` may return where it has something to say about a file that it takes all the same."""

    def __init__(self, fields: Mapping[str, Any], warnings: Iterable[str] = ()) -> None:
        """Each warning is logged once for each text, with the plugin's name and the file's."""
        super().__init__(fields)
        self.warnings = tuple(warnings)


class PluginLifecycle(Protocol):
    """The plugin's own calls about its life, beside go-plugin's. The caller bounds both in time."""

    async def ping(self) -> None:
        """Return if the plugin is well; asked with each health check."""
        ...

    async def shutdown(self) -> None:
        """Tell the plugin that it will be stopped; called after it was drained, before go-plugin's own Shutdown."""
        ...


@dataclass(frozen=True, slots=True)
class Dispensed(Generic[T]):
    """What the handshake with one worker gave: the item that hosts call, and what the plugin says of itself."""

    item: T
    reported: Reported = Reported()
    lifecycle: PluginLifecycle | None = None


class PluginAdapter(Protocol[T]):
    """One plugin kind. Stateless: one instance serves every worker of every plugin that names it.

    An adapter subclasses this, overrides `handshake`, and what else differs: the rest suits the `standard` one.
    """

    plugin_key: str = ""  # the kind's name, "rule" say
    magic_value: str = ""  # the cookie's value; empty: the PluginConfig must say the handshake
    cookie_key: str = "BLINK_PLUGIN"
    protocol_versions: tuple[int, ...] = (1,)
    concurrency: int | None = None  # how many calls at once a host may have on one worker; None: any number
    in_place: frozenset[str] = IN_PLACE  # fields of the metadata that no worker sees: a change swaps nothing

    def connect(self, channel: Channel) -> Any:
        """Return the stub that `handshake` and hosts call through; no I/O."""
        return channel

    async def handshake(self, stub: Any, plugin: Plugin) -> Dispensed[T]:
        """Greet the plugin; cancelled when the worker's start timeout ends. Sets deadlines of its own for each call.

        Raises:
            AdapterError: the plugin is not of this kind, or refused.
            CallError: a call failed; counts as the same.
        """
        raise NotImplementedError

    def sidecar(self, text: str) -> Mapping[str, Any] | None:
        """Read the YAML file beside a binary; None: this kind has no such files.

        What is returned, plain JSON values, is `Plugin.metadata` to `is_enabled` and `workers`. Without the fields
        `in_place` it is a part of the launch spec, changed metadata being a new version, and what `handshake` gets.

        Raises:
            AdapterError: it cannot be used; the text says where and why. The last good one stays.
        """
        del text
        return None

    def is_enabled(self, plugin: Plugin) -> bool | None:
        """Say whether the plugin runs where no PluginConfig says so; None: no opinion."""
        del plugin
        return None

    def workers(self, plugin: Plugin) -> int | None:
        """Say how many workers it has where no PluginConfig says so; None: no opinion."""
        del plugin
        return None
