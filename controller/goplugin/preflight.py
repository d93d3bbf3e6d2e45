"""What can be known about a program before it is started: each reason why it could not even run, told with a cure.

Looks at files only: starts nothing, changes nothing. What shows after the start is told by `diagnosis`.
"""

import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from controller.goplugin import elf
from controller.goplugin.failures import Failure, LaunchError

PLANNED_SOCKET_PATH_LIMIT = 100  # of 107: a host may know the directory by a somewhat longer name

_SOCKET_NAME = len("/plugin") + 10  # Go's os.CreateTemp adds up to ten digits
_SHEBANG_LIMIT = 255  # what the kernel reads of a `#!` line


def check(program: str, environment: Mapping[str, str], socket_dir: str) -> None:
    """Raise LaunchError if `program` cannot run here, or its socket could not be named."""
    planned = len(os.fsencode(socket_dir)) + _SOCKET_NAME
    if planned > PLANNED_SOCKET_PATH_LIMIT:
        raise _error(
            program,
            Failure.SOCKET_PATH_TOO_LONG,
            f"its sockets would get paths of {planned} bytes, the limit is {PLANNED_SOCKET_PATH_LIMIT}; "
            f"use a directory shorter than {socket_dir}",
        )
    try:
        _check_permission(program)
        with Path(program).open("rb") as file:
            head = file.read(elf.HEAD)
    except OSError as error:
        raise _error(program, Failure.SPAWN_FAILED, f"the file cannot be read: {error.strerror}") from error
    _check_format(program, head, environment)


def _check_permission(program: str) -> None:
    if not stat.S_ISREG(Path(program).stat().st_mode):
        raise _error(program, Failure.NOT_EXECUTABLE, "it is no regular file")
    if os.statvfs(program).f_flag & os.ST_NOEXEC:
        raise _error(
            program, Failure.VOLUME_NOT_EXECUTABLE, "its file system is mounted noexec; mount it with exec, or copy it"
        )
    if not os.access(program, os.X_OK):
        mode = stat.filemode(Path(program).stat().st_mode)
        raise _error(
            program,
            Failure.NOT_EXECUTABLE,
            f"it may not be executed by uid {os.geteuid()} (mode {mode}); chmod it 0755",
        )


def _check_format(program: str, head: bytes, environment: Mapping[str, str]) -> None:
    binary = elf.read(head)
    if binary is not None:
        _check_elf(program, binary)
    elif head.startswith(b"#!"):
        _check_script(program, head, environment)
    elif not head:
        raise _error(program, Failure.UNKNOWN_FORMAT, "the file is empty")
    else:
        raise _error(program, Failure.UNKNOWN_FORMAT, f"it is neither an ELF binary nor a #! script ({head[:8]!r}...)")


def _check_elf(program: str, binary: elf.Elf) -> None:
    host = elf.host()
    if host is not None and not binary.may_run_on(host):
        raise _error(
            program, Failure.WRONG_ARCHITECTURE, f"it is built for {binary}, this machine is {host}; rebuild it"
        )
    if binary.interpreter is not None and not os.path.exists(binary.interpreter):  # noqa: PTH110 - raises nothing
        raise _error(
            program,
            Failure.MISSING_INTERPRETER,
            f"its dynamic loader {binary.interpreter} is not here (another libc?); build it statically (CGO_ENABLED=0)",
        )


def _check_script(program: str, head: bytes, environment: Mapping[str, str]) -> None:
    line = head[2:_SHEBANG_LIMIT].split(b"\n", 1)[0]
    if b"\0" in line:
        raise _error(program, Failure.MISSING_INTERPRETER, "its #! line has a NUL byte")
    words = line.decode(errors="surrogateescape").split(maxsplit=1)
    if not words:
        raise _error(program, Failure.MISSING_INTERPRETER, "its #! line names no interpreter")
    interpreter, argument = words[0], words[1] if len(words) > 1 else ""
    if line.endswith(b"\r"):
        raise _error(
            program, Failure.MISSING_INTERPRETER, "its #! line ends with a carriage return; save it with Unix line ends"
        )
    if not os.access(interpreter, os.X_OK):
        raise _error(program, Failure.MISSING_INTERPRETER, f"its interpreter {interpreter} is not here")
    wanted = argument.split()[:1]
    if Path(interpreter).name == "env" and wanted and not wanted[0].startswith("-") and "=" not in wanted[0]:
        _check_search(program, wanted[0], environment)


def _check_search(program: str, name: str, environment: Mapping[str, str]) -> None:
    path = environment.get("PATH", os.defpath)
    if shutil.which(name, path=path) is None:
        raise _error(
            program, Failure.MISSING_INTERPRETER, f"its interpreter {name} is not on the plugin's PATH ({path})"
        )


def _error(program: str, failure: Failure, what: str) -> LaunchError:
    return LaunchError(failure, f"cannot start {Path(program).name}: {what}")
