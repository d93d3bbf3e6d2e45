"""What this package may ask of the rest: one Protocol, so that the endpoints know neither manager nor core.

Every answer is a view of the state at that moment; only `restart` changes anything, and it only submits an event.
All of it is called on the event loop and must not block.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Check:
    """One named condition of a probe; `why` says what is missing and what to look at, empty when `ok`."""

    name: str
    ok: bool
    why: str = ""


Checks = tuple[Check, ...]


class Health(Protocol):
    """What the probes ask."""

    def livez(self) -> Checks:
        """That this is answered says that the loop turns; more checks where a part can die without the process."""
        ...

    def readyz(self) -> Checks:
        """All that has to be seen before the process can do its work."""
        ...


class Views(Health, Protocol):
    """Keys are `kind/name`. The dictionaries hold what JSON can say, nothing else; times are RFC 3339 in UTC."""

    def status(self) -> dict[str, Any]:
        """The PluginPodStatus document."""
        ...

    def plugin(self, key: str) -> dict[str, Any] | None:
        """One element of `status.plugins`, with `processes` and, whatever its state, its last lines as `logs`."""
        ...

    def history(self, key: str | None) -> list[dict[str, Any]]:
        """What happened, oldest first: `time`, `plugin`, `what`, `reason`, `message`. None: of all plugins."""
        ...

    def logs(self, key: str, *, previous: bool) -> list[dict[str, Any]] | None:
        """The ring, oldest first: `time`, `level`, `message`, `stream`, `worker`, `fields`. None: no such plugin.

        `previous`: only of workers that are gone.
        """
        ...

    def follow(self, key: str) -> AsyncGenerator[dict[str, Any], None]:
        """What the ring holds, then each record as it comes; ends when the plugin is forgotten.

        A reader too slow for its buffer loses the oldest records, never holds up the plugin.
        """
        ...

    def restart(self, key: str) -> bool:
        """Ask for fresh workers. False: no such plugin."""
        ...

    def readyz(self) -> Checks:
        """Config and first scan seen, every `required` plugin has served once, not shutting down."""
        ...
