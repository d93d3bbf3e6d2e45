"""What the kernel says of processes: whether they live, what they hold, where they listen. Changes nothing."""

import time
from pathlib import Path


def until_gone(pid: int, deadline: float = 10.0) -> float:
    """Wait until no such process is left (a zombie counts as gone); the seconds it took."""
    began = time.monotonic()
    while time.monotonic() - began < deadline:
        if not is_alive(pid):
            return time.monotonic() - began
        time.sleep(0.001)
    raise AssertionError(f"process {pid} is still there after {deadline} s")


def is_alive(pid: int) -> bool:
    """Whether the process runs."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def tagged(instance: str) -> list[int]:
    """All processes of the machine that carry a controller's tag."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if f"PLUGINMGR_WORKER={instance}/".encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return [pid for pid in found if is_alive(pid)]


def descriptors_of(pid: int) -> int:
    """How many descriptors the process holds."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def sockets_of(pid: int) -> set[str]:
    """The paths of the Unix sockets that the process holds."""
    held = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            held.add(str(entry.readlink()))
        except FileNotFoundError:
            continue
    lines = (line.split() for line in Path("/proc/net/unix").read_text(encoding="utf-8").splitlines()[1:])
    return {fields[7] for fields in lines if len(fields) > 7 and f"socket:[{fields[6]}]" in held}


def command_of(pid: int) -> list[str]:
    """The process's command line."""
    return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").rstrip("\0").split("\0")


def environment_of(pid: int) -> dict[str, str]:
    """The process's environment as it began."""
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "surrogateescape").rstrip("\0").split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
