"""What the core believes and decides: workers, releases, plugins, the whole state. All frozen values.

Equal values mean equal facts. The words for the outside world are in `facts`; they are handed on here, so that other
parts import from one place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from controller.core.facts import (
    Binary,
    Clock,
    Config,
    Digest,
    Directory,
    Handshake,
    Health,
    KindSpec,
    Launch,
    LaunchId,
    Limits,
    LogLimits,
    PluginKey,
    PluginSpec,
    Problem,
    Restart,
    SecretUnavailable,
    StopTimes,
    UpdateTimes,
    WorkerId,
    YamlRejected,
)
from controller.core.index import Index, Ticket
from controller.core.reasons import Reason
from controller.core.table import Table

__all__ = [  # handed on from `facts`
    "Binary",
    "Clock",
    "Config",
    "Digest",
    "Directory",
    "Handshake",
    "Health",
    "KindSpec",
    "Launch",
    "LaunchId",
    "Limits",
    "LogLimits",
    "PluginKey",
    "PluginSpec",
    "Problem",
    "Restart",
    "SecretUnavailable",
    "StopTimes",
    "UpdateTimes",
    "WorkerId",
    "YamlRejected",
]


@dataclass(frozen=True, slots=True)
class Version:
    """What makes two workers interchangeable. `restart` counts `pluginmgr restart` of this plugin."""

    digest: Digest
    launch: LaunchId
    restart: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """A version with all that is needed to start a worker of it."""

    version: Version
    binary: Binary
    launch: Launch


@dataclass(frozen=True, slots=True)
class Exit:
    """How a worker was lost or failed to start. `at` is wall time."""

    reason: Reason
    message: str
    at: float
    code: int | None = None
    signal: int | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """What the plugin says of itself in the adapter's handshake; empty `id` (standard adapter) claims nothing."""

    id: str = ""
    display_name: str = ""
    metadata: str = ""  # all of it, a JSON object: for hosts, the core does not look inside


class Phase(StrEnum):
    """A worker's life; `phases.TRANSITIONS` has every arrow."""

    STARTING = "Starting"
    READY = "Ready"
    DRAINING = "Draining"
    STOPPING = "Stopping"


@dataclass(frozen=True, slots=True)
class Worker:
    """One subprocess, from the decision to start it until its supervisor says that nothing of it is left."""

    id: WorkerId
    plugin: PluginKey
    version: Version
    phase: Phase
    since: float
    drain_until: float | None = None  # while it drains: when it is stopped at the latest, see `drain`
    served: bool = False  # hosts were told of it, so it is drained before it is stopped
    pid: int | None = None
    reported: Reported = Reported()


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one worker of a release; failures are counted here, so they outlive the worker."""

    worker: WorkerId | None = None  # starting or ready
    failures: int = 0  # in a row, since the last calm spell
    retry_at: float | None = None  # an empty slot waits for it; None: as soon as may be


@dataclass(frozen=True, slots=True)
class Release:
    """A version as it is run: serving or candidate. `reported` is what its workers agree on (rule 8)."""

    target: Target
    slots: tuple[Slot, ...]
    first_spawn_at: float | None = None
    promoted_at: float | None = None
    reported: Reported | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """Kubernetes' shape. `since` is the wall time of the last change of `status`."""

    type: str
    status: bool | None  # None: Unknown
    reason: Reason
    message: str
    since: float


@dataclass(frozen=True, slots=True)
class Refused:
    """No new version may start; what serves goes on and is restarted (rule 7)."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Off:
    """Nothing of it shall run: disabled, its kind gone, its file gone (then `reason` is REMOVED: hosts get Remove)."""

    reason: Reason


Decision = Target | Refused | Off


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Refused over its reported id: `version` is not tried again before `holder` lets go of `id` (rule 8)."""

    version: Version
    id: str
    holder: PluginKey


@dataclass(frozen=True, slots=True)
class Remembered:
    """The part of a plugin that survives a restart of the controller (rule 6)."""

    held: Version | None = None
    last_good: Target | None = None


Memory = Mapping[PluginKey, Remembered]


@dataclass(frozen=True, slots=True)
class Plugin:
    """Everything remembered of one plugin. Forgotten once it is Off for good and its last worker is gone.

    A plugin that the config names and enables (`named`) and that has no file is kept with Off(REMOVED), so that the
    status can tell what is missing.
    """

    key: PluginKey
    kind: str
    name: str
    spec: PluginSpec
    decision: Decision
    serving: Release | None = None
    candidate: Release | None = None
    workers: Mapping[WorkerId, Worker] = field(default_factory=lambda: MappingProxyType({}))  # going ones too
    held: Version | None = None  # rolled back from: not tried again while it is what is wanted
    last_good: Target | None = None
    duplicate: Duplicate | None = None
    problem: Problem | None = None  # what the volume says of its file, beside what is decided
    named: bool = False  # an entry of the config names and enables it
    restart: int = 0  # `pluginmgr restart`, counted
    restarts: int = 0  # workers started again after a failure
    has_served: bool = False
    last_exit: Exit | None = None
    conditions: tuple[Condition, ...] = ()
    ticket: Ticket | None = None  # its place in the queue for a start
    wake_at: float | None = None  # its next deadline


@dataclass(frozen=True, slots=True)
class Policy:
    """Constants of the controller, not of a plugin."""

    max_starting: int = 16
    crash_loop_failures: int = 3
    backoff_factor: float = 2.0
    jitter: float = 0.1  # a delay is lengthened by up to this part of itself
    memory_kill_ratio: float = 1.2  # of limits.memory: from here on a worker is killed instead of drained
    kill_margin: float = 0.5  # seconds before the end of the grace at which whatever is left is killed


@dataclass(frozen=True, slots=True)
class State:
    """The whole of what the controller believes. Made by `step` alone."""

    policy: Policy = Policy()
    config: Config | None = None
    directories: Mapping[str, Directory] = field(default_factory=lambda: MappingProxyType({}))  # by path
    plugins: Table[PluginKey, Plugin] = field(default_factory=Table)
    conditions: tuple[Condition, ...] = ()  # of the pod
    shutdown_at: float | None = None  # when the grace ends
    memory: Memory = field(default_factory=lambda: MappingProxyType({}))  # of plugins not seen yet in this life
    index: Index = field(default_factory=Index, compare=False, repr=False)
