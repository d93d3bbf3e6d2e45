"""What the core asks of the supervisors. One Start and at most one Stop per worker; Kill may come on top."""

from dataclasses import dataclass

from controller.core.model import PluginKey, PluginSpec, Target, WorkerId


@dataclass(frozen=True, slots=True)
class Start:
    """Launch a worker. Answered by `Started` or `Failed`, and in the end by `Stopped`."""

    worker: WorkerId
    plugin: PluginKey
    target: Target
    spec: PluginSpec


@dataclass(frozen=True, slots=True)
class Stop:
    """End a worker: Shutdown call for `shutdown` seconds, SIGTERM for `kill` seconds, SIGKILL. Answered by `Stopped`.

    A worker still starting is not asked: its launch is cut off.
    """

    worker: WorkerId
    shutdown: float
    kill: float


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL now, whatever is under way: memory far over the limit, or the grace about to end."""

    worker: WorkerId


Action = Start | Stop | Kill
