"""What tests of the library share: a place to work in, a plugin to launch, and counts of what is left afterwards."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from types import MappingProxyType

from controller.goplugin import Command, Handshake, Limits, Record, Session, launch
from tests.plugins import zoo

BASE = Path(zoo.__file__).parent
ZOO_HANDSHAKE = Handshake(zoo.COOKIE_KEY, zoo.COOKIE_VALUE, (zoo.PROTOCOL_VERSION,))
GO_HANDSHAKE = Handshake("BASIC_PLUGIN", "hello")
NO_LIMITS = Limits()
TAG = f"GOPLUGIN_TEST={os.getpid()}"
MEASURED = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_PROCESS_")}


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Return when the condition holds; fail if it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 what is waited for is outside of this process
            await asyncio.sleep(0.002)


def is_running(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def children() -> set[int]:
    found: set[int] = set()
    for thread in os.listdir("/proc/self/task"):
        with suppress(OSError):  # a thread may end meanwhile
            found.update(map(int, Path(f"/proc/self/task/{thread}/children").read_text().split()))
    return found


def tagged() -> set[int]:
    """All processes that carry a tag of these tests."""
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                environ = Path(f"/proc/{name}/environ").read_bytes()
            except OSError:
                continue
            if TAG.encode() in environ:
                found.add(int(name))
    return found


class Place:
    """A short directory with all that a launch wants."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="gp", dir="/tmp"))
        self.sockets = self.root / "s"
        self.sockets.mkdir()
        self.records: list[Record] = []
        self.pids: list[int] = []
        self._number = 0

    def install(self, program: str | Path) -> Path:
        self._number += 1
        return zoo.install(program, self.root / f"p{self._number}")

    def write(self, source: str, name: str = "plugin", flags: str = "-S") -> Path:
        """Make a plugin of Python source, with the zoo's base importable as `plugin_base`.

        Without `-S` and with `MEASURED` in its environment, what it runs of ours counts as tested.
        """
        self._number += 1
        path = self.root / f"{name}{self._number}"
        path.write_text(
            f"#!{sys.executable} {flags}\nimport sys\nsys.path[:0] = {sys.path!r} + [{str(BASE)!r}]\n{source}"
        )
        path.chmod(0o755)
        return path

    def launch(  # noqa: PLR0913 all by name
        self,
        program: str | Path,
        handshake: Handshake = ZOO_HANDSHAKE,
        *,
        start_timeout: float = 10.0,
        env: Mapping[str, str] = MappingProxyType({}),
        args: tuple[str, ...] = (),
        limits: Limits = NO_LIMITS,
        rate: int = 200,
        emit: Callable[[Record], None] | None = None,
        on_spawn: Callable[[int], None] | None = None,
    ) -> AbstractAsyncContextManager[Session]:
        """Launch a program of the zoo by name, or any by path."""
        path = program if isinstance(program, Path) else self.install(program)
        self._number += 1
        command = Command(
            program=str(path),
            args=args,
            env={"PATH": os.environ["PATH"], **env},
            cwd=str(self.root),
            socket_dir=str(self.sockets),
            limits=limits,
        )
        return launch(
            command,
            handshake,
            start_timeout=start_timeout,
            emit=emit or self.records.append,
            tag=f"{TAG}/{self._number}",
            on_spawn=on_spawn or self.pids.append,
            rate=rate,
        )

    def messages(self, stream: str) -> list[str]:
        return [record.message for record in self.records if record.stream == stream]
