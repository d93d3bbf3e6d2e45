"""A service account's directory as kubelet writes it: the files are links, and all change at once."""

from itertools import count
from pathlib import Path


class TokenVolume:
    """Empty before `write`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.versions = count(1)
        directory.mkdir(parents=True)

    def write(self, token: str, authority: bytes, namespace: str) -> None:
        """Replace all of it in one step."""
        fresh = self.directory / f"..{next(self.versions)}"
        fresh.mkdir()
        files = {"token": token.encode(), "ca.crt": authority, "namespace": namespace.encode()}
        for name, content in files.items():
            (fresh / name).write_bytes(content)
            if not (self.directory / name).is_symlink():
                (self.directory / name).symlink_to(f"..data/{name}")
        scratch = self.directory / "..data_tmp"
        scratch.symlink_to(fresh.name)
        scratch.replace(self.directory / "..data")
