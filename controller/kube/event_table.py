"""Which entries of the history become Events of Kubernetes, and what these say. Pure. For people: reference/events.md.

Events tell what happened to those who look at the pod, and are forgotten after an hour. What is true now is for
conditions to say, so nothing is told of recoveries, nor what cannot be sent while it is true.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from controller.core.reasons import Reason
from controller.manager.history import Entry

NOTE_BYTES: Final = 1024  # the API server's bound

NORMAL: Final = "Normal"
WARNING: Final = "Warning"


@dataclass(frozen=True, slots=True)
class Row:
    """The Event's type, and what the sidecar does about what it tells."""

    type: str
    action: str


@dataclass(frozen=True, slots=True)
class Happening:
    """What one Event says. Those with equal `subject` and `reason` are one that repeats. `at` is wall time."""

    at: float
    subject: str  # the plugin, "" for the pod
    reason: str
    type: str
    action: str
    note: str


def _rows() -> dict[tuple[str, str], Row]:
    lost = dict.fromkeys((Reason.EXITED, Reason.KILLED, Reason.UNHEALTHY, Reason.MEMORY_LIMIT), "RestartWorker")
    unfit = (
        Reason.DIGEST_MISMATCH,
        Reason.SECRET_UNAVAILABLE,
        Reason.YAML_REJECTED,
        Reason.DUPLICATE_ID,
        Reason.ID_MISMATCH,
        Reason.FILE_UNREADABLE,
        Reason.NOT_A_PLUGIN_FILE,
        Reason.STORE_FAILED,
    )
    degraded = dict.fromkeys(unfit, "Refuse") | {Reason.CRASH_LOOP: "Retry", Reason.ROLLED_BACK: "RollBack"}
    config = (Reason.CONFIG_REJECTED, Reason.CONFIG_MISSING, Reason.CONFIG_STALE)
    volume = (Reason.VOLUME_MISSING, Reason.VOLUME_UNREADABLE, Reason.STATE_NOT_WRITABLE)
    pod = dict.fromkeys(config, "KeepConfig") | dict.fromkeys(volume, "KeepRunning")
    return {
        **{("WorkerLost", reason): Row(WARNING, action) for reason, action in lost.items()},
        **{("Degraded", reason): Row(WARNING, action) for reason, action in degraded.items()},
        **{(reason, reason): Row(WARNING, action) for reason, action in pod.items()},
        ("PreviousRunKilled", ""): Row(WARNING, "StartAgain"),
        ("RestartRequested", ""): Row(NORMAL, "Restart"),
        ("Ready", Reason.ALL_READY): Row(NORMAL, "Serve"),
    }


TABLE: Final[Mapping[tuple[str, str], Row]] = MappingProxyType(_rows())  # by what happened, and the reason


def happening(entry: Entry) -> Happening | None:
    """Return what an Event would say of the entry, None if it is not worth one."""
    row = TABLE.get((entry.what, entry.reason))
    if row is None:
        return None
    said = f"{entry.plugin}: {entry.message}" if entry.plugin else entry.message
    reason = entry.reason or entry.what
    return Happening(entry.at, entry.plugin or "", reason, row.type, row.action, _cut(said) or reason)


def _cut(text: str) -> str:
    raw = text.encode("utf-8", "replace")
    return raw.decode() if len(raw) <= NOTE_BYTES else raw[: NOTE_BYTES - 3].decode(errors="ignore") + "…"
