"""Facts that reach the core, one frozen class each. They are level-triggered: a lost one costs a rescan, no more."""

from collections.abc import Mapping
from dataclasses import dataclass

from controller.core.model import Config, Directory, Exit, PluginKey, Problem, Reported, WorkerId


@dataclass(frozen=True, slots=True)
class ConfigRead:
    """A valid config, every secret resolved. Sent again whenever the result differs."""

    config: Config


@dataclass(frozen=True, slots=True)
class ConfigRejected:
    """A config that cannot be used; the last good one stays."""

    message: str


@dataclass(frozen=True, slots=True)
class ConfigMissing:
    """The config was deleted; all goes on with the last good one."""

    message: str


@dataclass(frozen=True, slots=True)
class PodNoted:
    """What the shell alone can see of the pod: `type` is a condition, `problem` why it is true, None if it is not.

    ConfigStale: the config's source does not answer. ApiUnreachable: the status cannot be written.
    """

    type: str
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class VolumeScanned:
    """All plugin directories, by path. `problems` concern the volume or the store as a whole."""

    directories: Mapping[str, Directory]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Started:
    """The worker is up: handshake, health and the adapter's handshake are done."""

    worker: WorkerId
    pid: int
    reported: Reported = Reported()


@dataclass(frozen=True, slots=True)
class Failed:
    """The worker's start failed or its process ended by itself. `Stopped` follows when the rest is cleaned up."""

    worker: WorkerId
    exit: Exit


@dataclass(frozen=True, slots=True)
class Unhealthy:
    """The process runs but failed its health checks as often as allowed; the core stops it."""

    worker: WorkerId
    exit: Exit


@dataclass(frozen=True, slots=True)
class MemoryExceeded:
    """A sample above `limits.memory`; `ratio` is resident size over limit."""

    worker: WorkerId
    ratio: float
    exit: Exit


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing of the worker is left: process, descendants, socket, directory. Ends every Start exactly once."""

    worker: WorkerId


@dataclass(frozen=True, slots=True)
class Drained:
    """No host calls the worker any more."""

    worker: WorkerId


@dataclass(frozen=True, slots=True)
class RestartRequested:
    """`pluginmgr restart`: fresh workers, as if `restartedAt` had changed."""

    plugin: PluginKey


@dataclass(frozen=True, slots=True)
class ShutdownRequested:
    """Stop everything; `grace` seconds from now nothing may be left."""

    grace: float


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: some deadline that the last step named as `wake_at` is due."""


Event = (
    ConfigRead
    | ConfigRejected
    | ConfigMissing
    | PodNoted
    | VolumeScanned
    | Started
    | Failed
    | Unhealthy
    | MemoryExceeded
    | Stopped
    | Drained
    | RestartRequested
    | ShutdownRequested
    | Tick
)
