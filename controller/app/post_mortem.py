"""Who was largest: written while running, read by the successor of a controller that was killed.

The kernel kills the whole container where it groups memory; nobody inside can then say who caused it. The last record
can. A controller that ends by itself removes the record.
"""

import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from controller.config import replace_file
from controller.core.model import PluginKey, State, WorkerId
from controller.manager.status import timestamp

PERIOD = 5.0  # seconds between records
NAMED = 5  # the largest workers in a record


@dataclass(frozen=True, slots=True)
class PostMortem:
    """The file of the records."""

    path: Path

    def record(self, state: State, sizes: Mapping[WorkerId, int]) -> None:
        """Write the largest workers down; a disk that refuses costs the record, nothing else."""
        owners = {worker: key for key, plugin in state.plugins.items() for worker in plugin.workers}
        largest = sorted(sizes.items(), key=lambda item: item[1], reverse=True)[:NAMED]
        named = [{"plugin": owners.get(worker, ""), "worker": worker, "resident": size} for worker, size in largest]
        with contextlib.suppress(OSError):
            replace_file(self.path, json.dumps({"at": time.time(), "largest": named}).encode(), durable=False)

    def verdict(self) -> tuple[PluginKey | None, str] | None:
        """What a predecessor that was killed left: the largest plugin and a sentence; None after a clean end."""
        try:
            record = json.loads(self.path.read_text(encoding="utf-8"))
            killed = f"the controller was killed after {timestamp(record['at'])}"
            if not record["largest"]:
                return None, f"{killed}; no plugin was running"
            first = record["largest"][0]
            plugin, size = PluginKey(first["plugin"]), int(first["resident"]) >> 20
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return plugin, f"{killed}; the largest plugin was {plugin} ({size} MiB)"

    def close(self) -> None:
        """Remove the record: the end was orderly."""
        self.path.unlink(missing_ok=True)
