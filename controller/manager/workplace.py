"""Where a worker lives on disk: its working directory in the state dir, its socket directory in the run dir."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.core.model import WorkerId

CONFIG_NAME = "config.json"
WORKER = re.compile(r"w[0-9a-f]+")  # as `core.starts` names them


@dataclass(frozen=True, slots=True)
class Workplace:
    """Both directories of one worker; `config` is the file with the plugin's own config, None if it has none."""

    work: Path
    sockets: Path
    config: Path | None


@dataclass(frozen=True, slots=True)
class Places:
    """The parents of all workplaces: `<state dir>/work`, private, and the run dir, shared with hosts."""

    work: Path
    run: Path

    @asynccontextmanager
    async def workplace(self, worker: WorkerId, config: str) -> AsyncIterator[Workplace]:
        """Make a worker's directories and remove them with all that the plugin left there.

        The socket directory is 2750: its group, the run dir's, may come in and nobody else.
        """
        place = Workplace(self.work / worker, self.run / worker, self.work / worker / CONFIG_NAME if config else None)
        try:
            place.work.mkdir(mode=0o700, parents=True)
            place.sockets.mkdir(mode=0o750, parents=True)
            place.sockets.chmod(0o2750)
            if place.config:
                place.config.write_text(config, encoding="utf-8")
                place.config.chmod(0o400)
            yield place
        finally:
            await asyncio.to_thread(_remove, place.work, place.sockets)  # a plugin may have filled them

    def clear(self) -> None:
        """Remove what a killed predecessor's workers left, and nothing else; only while no worker lives."""
        for parent in (self.work, self.run):
            _remove(*(each for each in parent.glob("w*") if WORKER.fullmatch(each.name)))


def _remove(*directories: Path) -> None:
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)
