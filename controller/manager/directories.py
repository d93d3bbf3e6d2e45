"""The state dir and the run dir: made, checked, and held by one controller at a time."""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.errors import StateDirError
from controller.goplugin.preflight import PLANNED_SOCKET_PATH_LIMIT

INSTANCE = re.compile(r"[0-9a-f]{16}")
SOCKET_NAME_ROOM = len("/wwwwwwww/plugin") + 10  # a worker's directory, and the longest name that go-plugin makes
RUN_DIR_LIMIT = PLANNED_SOCKET_PATH_LIMIT - SOCKET_NAME_ROOM  # bytes of its path


@dataclass(frozen=True, slots=True)
class Directories:
    """Both directories and what lies where in them. `state` is ours alone, `run` is shared with hosts."""

    state: Path
    run: Path
    instance: str  # names this state dir's controllers, the same over restarts

    @property
    def store(self) -> Path:
        """Copies of the binaries."""
        return self.state / "store"

    @property
    def work(self) -> Path:
        """The workers' working directories."""
        return self.state / "work"

    @property
    def control_socket(self) -> Path:
        """Where `pluginmgr status` and its siblings ask."""
        return self.state / "control.sock"

    @property
    def registry_socket(self) -> Path:
        """Where hosts come in."""
        return self.run / "registry.sock"

    @property
    def registry_server(self) -> Path:
        """Where the registry itself listens, behind the door that hosts come in by."""
        return self.state / "grpc.sock"

    @property
    def last_good_config(self) -> Path:
        """The config that was in force last."""
        return self.state / "config.yaml"

    @property
    def memory(self) -> Path:
        """Holds and last good versions."""
        return self.state / "memory.json"

    @property
    def worker_numbers(self) -> Path:
        """Which worker ids were given out."""
        return self.state / "workers.json"

    @property
    def status(self) -> Path:
        """The status document."""
        return self.state / "status.json"

    @property
    def post_mortem(self) -> Path:
        """Who was largest, for a successor of a killed controller."""
        return self.state / "post-mortem.json"


@contextmanager
def held(state: Path, run: Path) -> Iterator[Directories]:
    """Make both directories and lock them for the length of the block.

    Raises:
        StateDirError: not writable, a path too long for sockets, or another controller holds one of them.
    """
    if len(os.fsencode(run.absolute())) > RUN_DIR_LIMIT:
        hint = f"give a --run-dir of at most {RUN_DIR_LIMIT} bytes"
        raise StateDirError(f"run dir {run} is too long for plugin sockets; {hint}")
    if state.absolute() == run.absolute():
        raise StateDirError(f"state dir and run dir are both {state}; hosts may see the one and never the other")
    with _locked(state, 0o700), _locked(run, 0o2750):
        for half_written in state.glob(".*.json.*"):  # a predecessor was killed in the middle of replacing a file
            half_written.unlink(missing_ok=True)
        yield Directories(state.absolute(), run.absolute(), _instance(state / "instance"))


@contextmanager
def _locked(directory: Path, mode: int) -> Iterator[None]:
    try:
        _make(directory, mode)
        lock = os.open(directory / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(directory, error) from error
    try:
        _take(lock, directory)
        yield
    finally:
        os.close(lock)


def _take(lock: int, directory: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
    except BlockingIOError as error:
        holder = os.read(lock, 32).decode().strip() or "unknown"
        raise StateDirError(f"directory {directory} is in use by another controller (pid {holder})") from error
    except OSError as error:
        raise _unusable(directory, error) from error


def _unusable(directory: Path, error: OSError) -> StateDirError:
    return StateDirError(f"cannot use directory {directory}: {error.strerror}; is it writable, and is there room?")


def _make(directory: Path, mode: int) -> None:
    """Make the directory; one that is there, a volume's mount point say, keeps its mode: what is put in has its own."""
    if not directory.is_dir():
        directory.mkdir(parents=True)
        directory.chmod(mode)


def _instance(path: Path) -> str:
    """The name kept in the file; whatever else stands there, after a power cut say, is replaced."""
    try:
        kept = path.read_bytes().decode(errors="replace").strip() if path.exists() else ""
        if not INSTANCE.fullmatch(kept):
            kept = secrets.token_hex(8)
            path.write_text(kept + "\n", encoding="ascii")
    except OSError as error:
        raise _unusable(path.parent, error) from error
    return kept
