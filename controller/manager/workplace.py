"""Where a worker lives on disk: its working directory in the state dir, its socket directory in the run dir."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.core.model import WorkerId

CONFIG_NAME = "config.json"


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

    @contextmanager
    def workplace(self, worker: WorkerId, config: str) -> Iterator[Workplace]:
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
            shutil.rmtree(place.work, ignore_errors=True)
            shutil.rmtree(place.sockets, ignore_errors=True)

    def clear(self) -> None:
        """Remove what a killed predecessor left; only while no worker lives."""
        for directory in [*_directories(self.work), *(each for each in _directories(self.run))]:
            shutil.rmtree(directory, ignore_errors=True)


def _directories(parent: Path) -> list[Path]:
    return [each for each in parent.iterdir() if each.is_dir() and not each.is_symlink()] if parent.is_dir() else []
