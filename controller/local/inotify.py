"""Wakes when anything changes in one of a few directories. The kernel's inotify, by ctypes.

Not watchfiles, whose thread looks every `step`: at 10 ms, which the budget of a flag's edit needs, that costs 0.6 % of
a core for one file; this costs nothing while nothing happens and is there at once. An event means "look again" and is
never read: so an overflow, a name that is no UTF-8 and a directory made again are nothing special.
"""

import asyncio
import ctypes
import os
from collections.abc import Iterable

_CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x8, 0x40, 0x80, 0x100, 0x200
_ATTRIB, _DELETE_SELF, _MOVE_SELF, _ONLYDIR = 0x4, 0x400, 0x800, 0x1000000
# Not IN_MODIFY: a file written in place is looked at when its writer closes it.
_MASK = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _ATTRIB | _DELETE_SELF | _MOVE_SELF | _ONLYDIR
_BUFFER = 65536


class DirectoryWatch:
    """One inotify instance in the running loop; `changed` is set by it and cleared by its user."""

    def __init__(self) -> None:
        """Raises OSError if the user has no inotify instance left."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._call("inotify_init1", os.O_NONBLOCK | os.O_CLOEXEC)
        self._watches: set[int] = set()
        self.changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._descriptor, self._drain)

    def watch(self, directories: Iterable[str]) -> None:
        """Watch these and no others; one that is not there is passed over. Raises OSError if no watch is left."""
        watches: set[int] = set()
        for directory in directories:
            try:
                watches.add(self._call("inotify_add_watch", self._descriptor, os.fsencode(directory), _MASK))
            except (FileNotFoundError, NotADirectoryError, PermissionError):
                continue
        for gone in self._watches - watches:
            self._libc.inotify_rm_watch(self._descriptor, gone)  # fails if the directory is gone: then so is the watch
        self._watches = watches

    def close(self) -> None:
        """Give the instance back."""
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _drain(self) -> None:
        try:
            while os.read(self._descriptor, _BUFFER):
                self.changed.set()
        except BlockingIOError:
            return

    def _call(self, name: str, *arguments: int | bytes) -> int:
        result = int(getattr(self._libc, name)(*arguments))
        if result < 0:
            error = ctypes.get_errno()
            raise OSError(error, f"{name}: {os.strerror(error)}")
        return result
