"""What an option is when nobody gives it. Imports next to nothing: every command's help shows these."""

import os
from collections.abc import Mapping
from pathlib import Path

HTTP = "127.0.0.1:8080"
GRACE_SECONDS = 30.0


def state_dir(environ: Mapping[str, str], uid: int) -> Path:
    """`$XDG_STATE_HOME/pluginmgr`; unset: /var/lib/pluginmgr for root, ~/.local/state/pluginmgr for others."""
    if base := _absolute(environ.get("XDG_STATE_HOME")):
        return base / "pluginmgr"
    if uid == 0:
        return Path("/var/lib/pluginmgr")
    return Path(environ.get("HOME") or "/").joinpath(".local", "state", "pluginmgr")


def run_dir(environ: Mapping[str, str]) -> Path:
    """`$XDG_RUNTIME_DIR/pluginmgr`; unset: /run/pluginmgr."""
    return (_absolute(environ.get("XDG_RUNTIME_DIR")) or Path("/run")) / "pluginmgr"


def _absolute(value: str | None) -> Path | None:
    """The XDG specification: a relative path in one of its variables is ignored."""
    return Path(value) if value and os.path.isabs(value) else None  # noqa: PTH117 - a Path of "" is "."
