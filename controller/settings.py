"""What the command line says about where things are: one frozen value, read by `cli` and `app` alone.

No policy of a plugin is in here (that is the PluginConfig's), and nothing that is read from a file. The defaults are
those of the command line, so that an embedding program and a shell get the same controller.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HTTP = "127.0.0.1:8080"
GRACE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Exactly one of `config` (local mode) and `pluginconfig` (in a cluster) is set. `http` is HOST:PORT."""

    plugin_dir: Path
    state_dir: Path
    run_dir: Path
    config: Path | None = None
    pluginconfig: str | None = None
    namespace: str | None = None
    http: str = HTTP
    grace: float = GRACE_SECONDS
    secrets_dirs: tuple[Path, ...] = ()


def default_state_dir(environ: Mapping[str, str], uid: int) -> Path:
    """`$XDG_STATE_HOME/pluginmgr`; unset: /var/lib/pluginmgr for root, ~/.local/state/pluginmgr for others."""
    if base := _absolute(environ.get("XDG_STATE_HOME")):
        return base / "pluginmgr"
    if uid == 0:
        return Path("/var/lib/pluginmgr")
    return Path(environ.get("HOME") or "/").joinpath(".local", "state", "pluginmgr")


def default_run_dir(environ: Mapping[str, str]) -> Path:
    """`$XDG_RUNTIME_DIR/pluginmgr`; unset: /run/pluginmgr."""
    return (_absolute(environ.get("XDG_RUNTIME_DIR")) or Path("/run")) / "pluginmgr"


def _absolute(value: str | None) -> Path | None:
    """The XDG specification: a relative path in one of its variables is ignored."""
    return Path(value) if value and os.path.isabs(value) else None  # noqa: PTH117 - a Path of "" is "."
