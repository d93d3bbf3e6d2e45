"""What the outside world says, as values: binaries, directories, the resolved config, the clocks.

Times named `*_at` or `since` are monotonic seconds of the `Clock`; times for people (`Condition.since`, `Exit.at`) are
wall-clock seconds since the epoch. Durations are seconds, sizes are bytes. No belief of the core's own stands here:
that is `model`, which hands these names on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    yet, unreadable, or not storable keeps its former `Binary`; `problems` then says why. One that was never taken and
    is not settled yet is among `unsettled`: it is not absent.

    `documents` are the YAML files by file name: the text, why it cannot be had, or None while it was never read and is
    not settled yet. The core passes them over: what they mean comes with the config.
    """

    path: str
    binaries: Mapping[str, Binary]
    problems: Mapping[str, Problem] = field(default_factory=lambda: MappingProxyType({}))
    missing: Problem | None = None
    unsettled: frozenset[str] = frozenset()
    documents: Mapping[str, str | Problem | None] = field(default_factory=lambda: MappingProxyType({}))

    def tells_of(self, name: str) -> bool:
        """Tell whether anything can be concluded about the file of this name, its absence included."""
        return self.missing is None and name not in self.unsettled


# --- facts: what the config wants -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Handshake:
    """What go-plugin needs to know a plugin by."""

    cookie_key: str
    cookie_value: str
    protocol_versions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on a worker's process; None: unlimited."""

    memory: int | None = None
    open_files: int | None = None
    file_size: int | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """All that shapes a worker's process besides its bytes. `id` is the digest of the rest; compare that alone."""

    id: LaunchId
    adapter: str
    args: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)  # resolved; never logged
    config: str = field(repr=False)  # JSON text for PLUGINMGR_CONFIG, or "" for none
    handshake: Handshake
    limits: Limits
    restarted_at: str = ""
    metadata: str = ""  # JSON of what the YAML beside the binary says, or "" for none
    sources: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # of env values that are secrets


@dataclass(frozen=True, slots=True)
class SecretUnavailable:
    """Stands for a `Launch` whose `fromFile` or `fromEnv` could not be read."""

    message: str


@dataclass(frozen=True, slots=True)
class YamlRejected:
    """Stands for a `Launch` whose YAML beside the binary was never usable."""

    message: str


@dataclass(frozen=True, slots=True)
class Health:
    """How often a worker is asked whether it is well, and how much silence is forgiven."""

    period: float = 15.0
    timeout: float = 1.0
    failure_threshold: int = 3


@dataclass(frozen=True, slots=True)
class Restart:
    """How long a failed worker waits (rule 5)."""

    initial_delay: float = 0.5
    max_delay: float = 120.0
    calm: float = 60.0


@dataclass(frozen=True, slots=True)
class StopTimes:
    """How long a worker has between the Shutdown call, SIGTERM and SIGKILL."""

    shutdown: float = 2.0
    kill: float = 1.0


@dataclass(frozen=True, slots=True)
class UpdateTimes:
    """How one version follows another (rules 1, 3, 6)."""

    drain: float = 60.0
    min_ready: float = 1.0
    probation: float = 60.0


@dataclass(frozen=True, slots=True)
class LogLimits:
    """How much of a plugin's output is kept."""

    status_lines: int = 10
    rate: int = 200  # lines a second


@dataclass(frozen=True, slots=True)
class PluginSpec:
    """One plugin's flags, all layers merged. Only `launch` makes another version; the rest is taken over in place."""

    launch: Launch | SecretUnavailable | YamlRejected
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
    problem: Problem | None = None  # of the YAML beside its binary, while an older one is in force


@dataclass(frozen=True, slots=True)
class KindSpec:
    """`default` is for a binary that no entry names; `directory` is the absolute path that a `Directory` will carry.

    `hinted` are the names in `plugins` that only their own YAML or adapter speaks of: no entry names them.
    """

    name: str
    directory: str
    default: PluginSpec
    plugins: Mapping[str, PluginSpec]
    hinted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Config:
    """One PluginConfig, all layers merged. Made again under the same name it has another `uid`; a file has none."""

    generation: int
    paused: bool
    kinds: Mapping[str, KindSpec]
    name: str = ""
    uid: str = ""
