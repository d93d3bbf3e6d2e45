"""One look into one directory: what is there, and what of it is not as it was. Reads metadata, remembers nothing.

This is the part that runs for every file at every rescan, so it is written for speed: one scandir on an open
descriptor, one stat and one dictionary lookup for each entry.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from controller.core.model import Problem
from controller.core.reasons import Reason
from controller.volume.entries import Found, Identity, is_inside
from controller.volume.mounts import runs_in_place


@dataclass(frozen=True, slots=True)
class Listing:
    """A directory's content. `fresh`: entries that are not as they were known; `failed`: those that cannot be read."""

    device: int
    in_place: bool
    present: set[str]
    fresh: list[Found]
    failed: dict[str, OSError]


def list_directory(path: str, volume: str, known: Mapping[str, Identity]) -> Listing | Problem:
    """Look into `path`; a Problem means that nothing can be concluded about any file in it."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        return Problem(Reason.VOLUME_MISSING, f"no directory {path}: {error.strerror}")
    except OSError as error:
        return _unreadable(path, error)
    try:
        real = str(Path(f"/proc/self/fd/{fd}").readlink())
        if not is_inside(real, volume):
            return Problem(Reason.VOLUME_UNREADABLE, f"{path} is a link that leaves the volume: {real}")
        return _list(fd, known)
    except OSError as error:
        return _unreadable(path, error)
    finally:
        os.close(fd)


def _list(fd: int, known: Mapping[str, Identity]) -> Listing:
    present: set[str] = set()
    fresh: list[Found] = []
    failed: dict[str, OSError] = {}
    with os.scandir(fd) as entries:
        for entry in entries:
            name = entry.name
            try:
                st = entry.stat()
            except FileNotFoundError:  # gone since, or a link to nothing
                continue
            except OSError as error:
                failed[name] = error
                continue
            present.add(name)
            # `identity_of`, spelled out: the call would cost as much as all the rest of this line
            if known.get(name) != (st.st_dev, st.st_ino, st.st_size, st.st_mtime_ns, st.st_ctime_ns):
                fresh.append(Found(name, st, entry.is_symlink()))
    return Listing(os.fstat(fd).st_dev, runs_in_place(fd), present, fresh, failed)


def _unreadable(path: str, error: OSError) -> Problem:
    return Problem(Reason.VOLUME_UNREADABLE, f"cannot read directory {path}: {error.strerror}")
