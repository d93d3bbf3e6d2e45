"""What comes line by line from a pod, read into a file while it comes, so that nothing is lost with the pod."""

import json
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.node.kubectl import Kubectl

Record = dict[str, Any]


class Log:
    """What a kubectl that goes on for long prints, until it ends or `close`."""

    def __init__(self, kubectl: Kubectl, scratch: Path, *args: str) -> None:
        self._what = " ".join(args)
        self._kubectl = kubectl
        self._path = scratch / f"{len(list(scratch.iterdir()))}.log"
        with self._path.open("wb") as out:
            self._process = subprocess.Popen(kubectl.line(*args), stdout=out, stderr=subprocess.DEVNULL)

    def records(self, **fields: Any) -> list[Record]:
        """The lines that are JSON and have all these fields."""
        lines = self._path.read_text(errors="replace").splitlines(keepends=True)
        found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]
        return [each for each in found if fields.items() <= each.items()]

    def until(self, *, after: int = 0, fits: Callable[[Record], Any] = bool, **fields: Any) -> Record:
        """The first record that has these fields and fits, behind the first `after` of such."""

        def look() -> list[Record]:
            return [each for each in self.records(**fields) if fits(each)][after:]

        return self._kubectl.until(look, f"{fields} in {self._what}")[0]

    def close(self) -> None:
        """Read no more."""
        self._process.kill()
        self._process.wait()


def seconds(record: Record) -> float:
    """When it was written, since 1970: the host's records have a number, the sidecar's a text."""
    moment = record["time"]
    return moment if isinstance(moment, float) else datetime.fromisoformat(moment).timestamp()
