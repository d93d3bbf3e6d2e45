"""The vocabulary: the values that cross module borders. All are frozen; equal values mean equal facts.

Times named `*_at` or `since` are monotonic seconds of the `Clock`; times for people (`Condition.since`, `Exit.at`) are
wall-clock seconds since the epoch. Durations are seconds, sizes are bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NewType

from controller.core.reasons import Reason

PluginKey = NewType("PluginKey", str)  # "kind/name"
WorkerId = NewType("WorkerId", str)  # short: it is part of a socket path
Digest = NewType("Digest", str)  # 64 lower-case hex digits, SHA-256 of the bytes
LaunchId = NewType("LaunchId", str)  # digest of all that shapes a process but its bytes


@dataclass(frozen=True, slots=True)
class Clock:
    """One look at the world's clocks, and one random number, so that a step stays a function of its arguments."""

    monotonic: float
    wall: float
    chance: float  # uniform in [0, 1), for jitter


# --- facts: what is on the volume -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Binary:
    """A settled, hashed plugin file. `executable` is what is run: the copy in the store, or `path` itself in place."""

    name: str
    digest: Digest
    path: str
    executable: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something on the volume or disk that an operator must look at."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Directory:
    """One kind's directory as the last scan saw it.

    `missing` set: nothing can be concluded from the absence of files (rule 9). A file that is there but not settled
    yet, unreadable, or not storable keeps its former `Binary`; `problems` then says why.
    """

    path: str
    binaries: Mapping[str, Binary]
    problems: Mapping[str, Problem] = field(default_factory=lambda: MappingProxyType({}))
    missing: Problem | None = None


# --- facts: what the config wants -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Handshake:
    cookie_key: str
    cookie_value: str
    protocol_versions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    memory: int | None = None
    open_files: int | None = None
    file_size: int | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """All that shapes a worker's process besides its bytes. `id` is the digest of the rest; compare that alone."""

    id: LaunchId
    adapter: str
    args: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)  # resolved: may hold secrets
    config: str = field(repr=False)  # JSON text for PLUGINMGR_CONFIG, or "" for none
    handshake: Handshake
    limits: Limits
    restarted_at: str = ""


@dataclass(frozen=True, slots=True)
class SecretUnavailable:
    """Stands for a `Launch` whose `fromFile` or `fromEnv` could not be read."""

    message: str


@dataclass(frozen=True, slots=True)
class Health:
    period: float = 15.0
    timeout: float = 1.0
    failure_threshold: int = 3


@dataclass(frozen=True, slots=True)
class Restart:
    initial_delay: float = 0.5
    max_delay: float = 120.0
    calm: float = 60.0


@dataclass(frozen=True, slots=True)
class StopTimes:
    shutdown: float = 2.0
    kill: float = 1.0


@dataclass(frozen=True, slots=True)
class UpdateTimes:
    drain: float = 60.0
    min_ready: float = 1.0
    probation: float = 60.0


@dataclass(frozen=True, slots=True)
class LogLimits:
    status_lines: int = 10
    rate: int = 200  # lines a second


@dataclass(frozen=True, slots=True)
class PluginSpec:
    """One plugin's flags, all layers merged. Only `launch` makes another version; the rest is taken over in place."""

    launch: Launch | SecretUnavailable
    enabled: bool = True
    workers: int = 1
    required: bool = False
    pins: frozenset[Digest] = frozenset()  # empty: any bytes
    start_timeout: float = 10.0
    health: Health = Health()
    restart: Restart = Restart()
    stop: StopTimes = StopTimes()
    update: UpdateTimes = UpdateTimes()
    logs: LogLimits = LogLimits()


@dataclass(frozen=True, slots=True)
class KindSpec:
    """`default` is for a binary that no entry names; `directory` is the absolute path that a `Directory` will carry."""

    name: str
    directory: str
    default: PluginSpec
    plugins: Mapping[str, PluginSpec]


@dataclass(frozen=True, slots=True)
class Config:
    generation: int
    paused: bool
    kinds: Mapping[str, KindSpec]


# --- actual ---------------------------------------------------------------------------------------------------------


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
    deadline: float | None = None  # of the drain
    served: bool = False  # hosts were told of it, so it is drained before it is stopped
    pid: int | None = None
    reported: Reported = Reported()


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one worker of a release; failures are counted here, so they outlive the worker."""

    worker: WorkerId | None = None  # starting or ready
    failures: int = 0
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """A version as it is run: serving or candidate."""

    target: Target
    slots: tuple[Slot, ...]
    first_spawn_at: float | None = None
    all_ready_since: float | None = None
    promoted_at: float | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """Kubernetes' shape. `since` is the wall time of the last change of `status`."""

    type: str
    status: bool | None  # None: Unknown
    reason: Reason
    message: str
    since: float


# --- what is decided about a plugin ---------------------------------------------------------------------------------


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
class Plugin:
    """Everything remembered of one plugin. Forgotten once it is Off for good and its last worker is gone."""

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
    duplicate: Problem | None = None  # refused over its reported id
    restart: int = 0  # `pluginmgr restart`, counted
    restarts: int = 0  # workers started again after a failure
    has_served: bool = False
    last_exit: Exit | None = None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """Constants of the controller, not of a plugin."""

    max_starting: int = 16
    crash_loop_failures: int = 3
    backoff_factor: float = 2.0
    jitter: float = 0.1  # a delay is lengthened by up to this part of itself


@dataclass(frozen=True, slots=True)
class State:
    """The whole of what the controller believes. Made by `step` alone."""

    policy: Policy = Policy()
    config: Config | None = None
    directories: Mapping[str, Directory] = field(default_factory=lambda: MappingProxyType({}))  # by path
    plugins: Mapping[PluginKey, Plugin] = field(default_factory=lambda: MappingProxyType({}))
    conditions: tuple[Condition, ...] = ()  # of the pod
    shutdown_at: float | None = None  # when the grace ends
    # ... the step's own indexes (ids held, start queue, deadline heap, next worker number) follow; views don't read them
