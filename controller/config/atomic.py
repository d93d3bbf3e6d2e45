"""Replacing a file so that every reader sees the old one whole or the new one whole, whatever happens in between."""

import os
import tempfile
from pathlib import Path


def replace_file(path: Path, content: bytes, *, durable: bool) -> None:
    """Write `path` anew, readable by its owner alone. `durable`: it survives a power cut from when this returns.

    Raises OSError; then the old file is untouched and nothing is left beside it.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise
    if durable:
        _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
