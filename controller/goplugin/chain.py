"""The command line that is really spawned: small tools that change the child and then become the program.

Python cannot run code between fork and exec safely in a process with threads (gRPC has some), so what must happen in
the child is done by programs that do one thing and exec the next. This is the one place for it; a sandbox would be one
more link. Measured on Debian 12: setpriv 0.9 ms, env and prlimit 0.5 ms each.
"""

import os
import resource
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from controller.goplugin.failures import Failure, LaunchError

TOOLS = ("setpriv", "env", "prlimit")


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
    setpriv, env, prlimit = (_find(tool) for tool in TOOLS)
    return [
        # The death signal follows the thread that spawned; see `process`. `env` comes before the program, because it
        # would take a path with "=" in it for a variable.
        *(setpriv, "--pdeathsig", "KILL", "--no-new-privs", "--"),
        *(env, f"--chdir={command.cwd}", "--"),
        *(prlimit, *_limits(command.limits), "--"),
        *(command.program, *command.args),
    ]


def find_refusal(code: int | None, tail: tuple[str, ...]) -> str | None:
    """Return the line with which a link of the chain refused, if that is how the process ended."""
    if not tail or not code:
        return None
    tool, separator, _ = tail[-1].partition(": ")
    return tail[-1] if separator and tool.rpartition("/")[2] in TOOLS else None


def _limits(limits: Limits) -> list[str]:
    words = ["--core=0:0"]
    if limits.open_files is not None:
        words.append(_limit("nofile", limits.open_files, resource.RLIMIT_NOFILE))
    if limits.file_size is not None:
        words.append(_limit("fsize", limits.file_size, resource.RLIMIT_FSIZE))
    return words


def _limit(name: str, value: int, kind: int) -> str:
    # A process without privileges cannot raise its hard limit: what is lower already stays.
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    return f"--{name}={value}:{value}"


@cache
def _find(tool: str) -> str:
    path = shutil.which(tool)
    if path is None:
        raise LaunchError(
            Failure.SPAWN_FAILED, f"cannot start plugins: {tool} is not on PATH; install util-linux and coreutils"
        )
    return os.path.abspath(path)  # noqa: PTH100 - a link to a multi-call binary must keep its name
