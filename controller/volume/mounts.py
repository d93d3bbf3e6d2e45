"""What the kernel knows of the mount that an open directory lies on. Linux only; asks, never changes.

`statvfs` says "read-only" of a read-only mount of a volume that another container writes; only the mount table tells it
from a file system that nobody can write.
"""

import os
from dataclasses import dataclass
from pathlib import Path

# Changes made by another machine, or on the other side of the sandbox, raise no inotify event here.
BLIND = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "gfs2", "glusterfs", "lustre", "nfs", "nfs4", "ocfs2", "smb3", "virtiofs"}
)


@dataclass(frozen=True, slots=True)
class Mount:
    """`is_frozen`: the file system itself is read-only, not just this view of it."""

    fs_type: str
    is_frozen: bool

    @property
    def has_events(self) -> bool:
        """False where inotify misses changes."""
        return self.fs_type not in BLIND and not self.fs_type.startswith("fuse")


def mount_of(fd: int) -> Mount | None:
    """Return the mount that `fd` lies on; None where procfs does not tell."""
    try:
        info = Path(f"/proc/self/fdinfo/{fd}").read_text()
        table = Path("/proc/self/mountinfo").read_text()
    except OSError:
        return None
    number = next((line.split()[1] for line in info.splitlines() if line.startswith("mnt_id:")), None)
    return next((_parse(line) for line in table.splitlines() if line.split(" ", 1)[0] == number), None)


def runs_in_place(fd: int) -> bool:
    """Say whether files below `fd` can be executed and nobody can change them (an image volume)."""
    flags = os.fstatvfs(fd).f_flag
    if not flags & os.ST_RDONLY or flags & os.ST_NOEXEC:
        return False
    mount = mount_of(fd)
    return mount is not None and mount.is_frozen


def _parse(line: str) -> Mount:
    """Read a line of mountinfo: `id parent dev root point options [tags...] - type source super-options`."""
    fs_type, _source, options = line.split(" - ", 1)[1].split(" ", 2)
    return Mount(fs_type, is_frozen="ro" in options.split(","))
