"""The copies of accepted binaries, by digest: what was hashed is what runs, whatever happens on the volume.

`<root>/<digest>/<name>`, so that the basename of a worker's argv[0] is the plugin's name; names of equal bytes are hard
links. Touched by one thread at a time (the one that scans), but for `new_copy`. No fsync: see `index`.
"""

import hashlib
import itertools
import os
import shutil
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from controller.core.model import Digest, Problem
from controller.core.reasons import Reason
from controller.errors import StateDirError
from controller.volume.entries import Identity, identity_of
from controller.volume.index import Index, load_index, save_index
from controller.volume.take import PIECE, CopyError

INDEX = "index.json"
INCOMING = ".incoming-"
GRACE = 60.0  # seconds for which a copy outlives its last use: it may be in an event that nobody has read yet


class Store:
    """Content-addressed executables in a private directory."""

    def __init__(self, root: Path, *, grace: float = GRACE) -> None:
        """Open the store, making its directory (not its parents). Raises StateDirError where nothing could ever run."""
        self._root = root
        self._grace = grace
        self._numbers = itertools.count()
        self._in_use: frozenset[Digest] = frozenset()
        _make(root)
        index = load_index(self._index_path)
        self._copies = {digest: dict(names) for digest, names in index.copies.items()}
        self.sources: Mapping[Identity, Digest] = index.sources  # as the last run knew them
        now = time.monotonic()
        self._used_at = dict.fromkeys(self._digests(), now)

    @property
    def _index_path(self) -> Path:
        return self._root / INDEX

    def verify(self, stop: threading.Event) -> None:
        """Read again every copy that the index does not vouch for, and remove those that are not what they are called.

        Costs a stat for each after a clean restart, a read of all of them after a reboot. To be called before the
        first use, in a thread.
        """
        known, self._copies = self._copies, {}
        for digest in self._digests():
            vouched = known.get(digest, {})
            for copy in (self._root / digest).iterdir():
                with suppress(OSError):  # a bad sector, say: what cannot be read is not trusted
                    identity = identity_of(copy.lstat())
                    if vouched.get(copy.name) == identity or _digest_of(copy, stop) == digest:
                        self._copies.setdefault(digest, {})[copy.name] = identity
                    elif not stop.is_set():
                        copy.unlink()

    def problem(self) -> Problem | None:
        """Return why nothing can be written now: no room, or read-only."""
        try:
            status = os.statvfs(self._root)
        except OSError as error:
            return Problem(Reason.STATE_NOT_WRITABLE, f"no store at {self._root}: {error.strerror}")
        if status.f_flag & os.ST_RDONLY:
            return Problem(Reason.STATE_NOT_WRITABLE, f"{self._root} lies on a file system that is read-only now")
        if not status.f_bavail:
            return Problem(Reason.STATE_NOT_WRITABLE, f"{self._root} lies on a file system that is full")
        return None

    def executable(self, digest: Digest, name: str) -> str | None:
        """Return an intact copy under that name, linking another plugin's equal bytes; None if there is none."""
        if self.is_intact(digest, name):
            return f"{self._root}/{digest}/{name}"
        twin = next((twin for twin in self._copies.get(digest, ()) if self.is_intact(digest, twin)), None)
        return None if twin is None else self._link(twin, digest, name)

    def is_intact(self, digest: Digest, name: str) -> bool:
        """Say whether that copy is there and has not been touched since it was hashed."""
        known = self._copies.get(digest, {}).get(name)
        try:
            # no Path: each scan asks this of many copies
            return known is not None and identity_of(os.lstat(f"{self._root}/{digest}/{name}")) == known
        except OSError:
            return False

    def new_copy(self, size: int) -> str:
        """Return the path for a file of `size` bytes, for `adopt` or `discard` later. Raises CopyError if too big."""
        try:
            status = os.statvfs(self._root)
        except OSError as error:
            raise CopyError(f"no store at {self._root}: {error.strerror}") from error
        free = status.f_bavail * status.f_frsize
        if free < size:
            raise CopyError(f"no room in {self._root}: {size} bytes needed, {free} free")
        return f"{self._root}/{INCOMING}{next(self._numbers)}"

    def adopt(self, copy: str, digest: Digest, name: str) -> str:
        """Move a finished copy to its place and return that. Raises CopyError; the copy is gone then."""
        path = self._root / digest / name
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            Path(copy).replace(path)
            identity = identity_of(path.stat())
        except OSError as error:
            self.discard(copy)
            raise CopyError(f"cannot keep {path}: {error.strerror}") from error
        self._copies.setdefault(digest, {})[name] = identity
        self._used_at[digest] = time.monotonic()
        return str(path)

    def discard(self, copy: str) -> None:
        """Remove a copy that nobody wants."""
        Path(copy).unlink(missing_ok=True)

    def use(self, digests: Collection[Digest]) -> None:
        """Say which digests are on the volume now; `collect` leaves them alone."""
        now = time.monotonic()
        in_use = frozenset(digests)
        self._used_at.update(dict.fromkeys(self._in_use | in_use, now))
        self._in_use = in_use

    def collect(self, keep: Collection[Digest]) -> frozenset[Digest]:
        """Remove, and return, the digests that are neither in `keep` nor on the volume nor used a moment ago."""
        now = time.monotonic()
        wanted = self._in_use | frozenset(keep)
        unwanted = frozenset(
            d for d in self._digests() if d not in wanted and now - self._used_at.get(d, 0) >= self._grace
        )
        for digest in unwanted:
            self._copies.pop(digest, None)
            shutil.rmtree(self._root / digest, ignore_errors=True)
            self._used_at.pop(digest, None)
        return unwanted

    def save(self, sources: Mapping[Identity, Digest]) -> None:
        """Write down what a restart should know. Raises OSError."""
        save_index(self._index_path, Index(self._copies, sources))

    def _digests(self) -> list[Digest]:
        """Return what lies in the store; nothing while it is away."""
        try:
            return [Digest(entry.name) for entry in os.scandir(self._root) if entry.is_dir(follow_symlinks=False)]
        except OSError:
            return []

    def _link(self, twin: str, digest: Digest, name: str) -> str | None:
        """Give intact bytes a second name; None where the file system has no links (the bytes are then copied anew)."""
        path = self._root / digest / name
        try:
            path.unlink(missing_ok=True)
            path.hardlink_to(self._root / digest / twin)
            identity = identity_of(path.stat())
        except OSError:
            return None
        names = self._copies[digest]
        twins = [other for other, known in names.items() if known[1] == identity[1]]
        names.update(dict.fromkeys([*twins, name], identity))  # a link changes the ctime of all
        return str(path)


def _make(root: Path) -> None:
    try:
        root.mkdir(mode=0o700, exist_ok=True)
        root.chmod(0o700)
        flags = os.statvfs(root).f_flag
        for leftover in root.glob(INCOMING + "*"):
            leftover.unlink()
    except OSError as error:
        raise StateDirError(f"cannot use {root} as store of binaries: {error.strerror}") from error
    if flags & os.ST_NOEXEC:
        raise StateDirError(f"cannot use {root} as store of binaries: it is mounted noexec")


def _digest_of(path: Path, stop: threading.Event) -> str:
    digest = hashlib.sha256()
    piece = memoryview(bytearray(PIECE))
    with path.open("rb", buffering=0) as file:
        while not stop.is_set() and (count := file.readinto(piece)):
            digest.update(piece[:count])
    return digest.hexdigest()
