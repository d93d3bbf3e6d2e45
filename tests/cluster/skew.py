"""A time of day that is wrong, and that jumps while a process runs."""

import os
from pathlib import Path

from tests.tools.build import ROOT

PATCH = """
import time
real = time.time
def skewed():
    with open("{offset}") as file:
        return real() + float(file.read())
time.time = skewed
"""


class Clock:
    """Python processes with `environment` see the time of day so many hours off as `set` said last."""

    def __init__(self, directory: Path, hours: float) -> None:
        directory.mkdir()
        self._offset = directory / "offset"
        (directory / "sitecustomize.py").write_text(PATCH.format(offset=self._offset))
        path = [str(directory), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.environment = {"PYTHONPATH": os.pathsep.join(path)}
        self.set(hours)

    def set(self, hours: float) -> None:
        """Let the time jump."""
        new = self._offset.with_name("new")
        new.write_text(str(3600 * hours))
        new.rename(self._offset)
