"""What the store wrote down of itself, so that a restarted controller need not read 100 binaries again.

Stat identities prove bytes only as long as the kernel that saw them runs: after a crash of the machine a file may be of
the right size and hold zeros. So the index is void after a reboot, and neither it nor the copies need an fsync.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from controller.core.model import Digest
from controller.volume.entries import Identity

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Index:
    """`copies` by digest and name; `sources` are files on the volume whose digest is known."""

    copies: Mapping[Digest, Mapping[str, Identity]]
    sources: Mapping[Identity, Digest]


def load_index(path: Path) -> Index:
    """Read the index; an empty one if it is missing, damaged, or from before the last boot."""
    try:
        document = json.loads(path.read_bytes())
        if document["boot"] != _boot_id():
            return Index({}, {})
        copies = {
            Digest(digest): {name: _identity(numbers) for name, numbers in names.items()}
            for digest, names in document["copies"].items()
        }
        return Index(copies, {_identity(numbers): Digest(digest) for digest, numbers in document["sources"]})
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ):  # whatever is wrong with it, it can be made again
        return Index({}, {})


def save_index(path: Path, index: Index) -> None:
    """Replace the index on disk. Raises OSError; then the next start reads every binary again, no more."""
    document = {
        "boot": _boot_id(),
        "copies": index.copies,
        "sources": [(digest, identity) for identity, digest in index.sources.items()],
    }
    new = Path(f"{path}.new")
    new.write_text(json.dumps(document))
    new.replace(path)


def _boot_id() -> str:
    return BOOT_ID.read_text().strip()


def _identity(numbers: list[int]) -> Identity:
    device, inode, size, mtime, ctime = numbers
    return int(device), int(inode), int(size), int(mtime), int(ctime)
