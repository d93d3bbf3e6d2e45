"""What is really spawned: small tools that change the child and then become the program.

Python cannot run code between fork and exec safely in a process with threads (gRPC has some), so what must happen in
the child is done by programs that do one thing and exec the next. This is the one place for it; a sandbox would be one
more link. Each link costs a millisecond, and more when many start: only what cannot be done from outside is one.
"""

import os
import resource
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from controller.goplugin.failures import Failure, LaunchError

_SETPRIV = "setpriv"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may use; None leaves what it inherits. Core dumps are always off."""

    open_files: int | None = None
    file_size: int | None = None  # bytes


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. `env` is the whole environment but for the protocol's variables; nothing else is inherited."""

    program: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "/"
    socket_dir: str = ""
    limits: Limits = Limits()


def build(command: Command) -> list[str]:
    """Return the argument list; its first word is an absolute path. Raises LaunchError if a tool is missing."""
    # The death signal follows the thread that spawned, hence `process` insists on the main thread.
    return [_find(_SETPRIV), "--pdeathsig", "KILL", "--no-new-privs", "--", command.program, *command.args]


def limit(pid: int, limits: Limits) -> None:
    """Limit a process that has just been spawned.

    From outside, to save a link: it is in the first of its own milliseconds in `setpriv` then. What is lost if that
    race ever is: the limit comes a moment later.
    """
    resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
    for kind, value in ((resource.RLIMIT_NOFILE, limits.open_files), (resource.RLIMIT_FSIZE, limits.file_size)):
        if value is not None:
            # Without privileges a hard limit cannot be raised: what is lower already stays.
            hard = resource.prlimit(pid, kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)  # noqa: PLW2901
            resource.prlimit(pid, kind, (value, value))


def find_refusal(code: int | None, tail: tuple[str, ...]) -> str | None:
    """Return the line with which a link of the chain refused, if that is how the process ended."""
    return tail[-1] if tail and code and tail[-1].startswith(f"{_SETPRIV}: ") else None


@cache
def _find(tool: str) -> str:
    path = shutil.which(tool)
    if path is None:
        raise LaunchError(Failure.SPAWN_FAILED, f"cannot start plugins: {tool} is not on PATH; install util-linux")
    return os.path.abspath(path)  # noqa: PTH100 - a link to a multi-call binary must keep its name
