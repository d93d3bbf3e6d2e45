"""What the kernel says of processes: whether they live, and whose workers they are. Changes nothing."""

import time
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def until_gone(pid: int, deadline: float = 10.0) -> float:
    """Wait until no such process is left; the seconds it took.

    Raises:
        AssertionError: it is still there after `deadline` seconds.
    """
    began = time.monotonic()
    while time.monotonic() - began < deadline:
        if not is_alive(pid):
            return time.monotonic() - began
        time.sleep(0.001)
    raise AssertionError(f"process {pid} is still there after {deadline} s")


def tagged(instance: str) -> list[int]:
    """All processes of the machine that carry a controller's tag, escaped descendants of its workers among them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if f"PLUGINMGR_WORKER={instance}/".encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return [pid for pid in found if is_alive(pid)]
