"""What the kernel says of processes: whether they live, what they hold, where they listen. Changes nothing."""

from pathlib import Path

from controller.testing.processes import is_alive, tagged, until_gone

__all__ = [
    "command_of",
    "descriptors_of",
    "environment_of",
    "is_alive",
    "sockets_of",
    "tagged",
    "until_gone",
]


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
