"""Changing a file system under a running controller; for root."""

import subprocess
from pathlib import Path


def remount(path: Path, options: str) -> None:
    """Change what a mount allows."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(path)], check=True)


def unmount(path: Path) -> None:
    """Take a mount away, whoever still uses it."""
    subprocess.run(["umount", "-l", str(path)], check=True)
