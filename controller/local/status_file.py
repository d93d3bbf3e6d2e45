"""The PluginPodStatus as a file, for people and programs without a cluster."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.config import replace_file
from controller.errors import StatusNotWrittenError


class StatusFile:
    """Replaced as a whole, so that a reader never sees half of it."""

    def __init__(self, path: Path) -> None:
        """Nothing is written before the first `write`."""
        self._path = path
        self._written = b""

    async def write(self, document: Mapping[str, Any]) -> None:
        """Write the document unless the file says the same.

        Raises:
            StatusNotWrittenError: the file system refused.
        """
        # Not indented: that is Python's slow encoder, and holds the loop for a millisecond per plugin or more.
        content = json.dumps(document).encode() + b"\n"
        if content != self._written:
            try:
                replace_file(self._path, content, durable=False)
            except OSError as error:
                raise StatusNotWrittenError(f"cannot write the status file: {error}") from error
            self._written = content
