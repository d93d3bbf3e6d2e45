#!/usr/bin/env python3
"""Packs a root file system into an image archive, where no engine is: what `ctr images import` and kind read.

    deploy/image/archive.py ROOT OUT.tar --tag NAME:TAG

The form is the OCI image layout with one layer. How a container of it starts is read from the Dockerfile, so both kinds
of image start alike. The same files give the same bytes. Nothing but the standard library is needed.
"""

import argparse
import hashlib
import io
import json
import os
import platform
import re
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

DOCKERFILE = Path(__file__).resolve().parents[2] / "Dockerfile"
INSTRUCTION = re.compile(r"^(USER|ENTRYPOINT|ENV|LABEL) ((?:.*\\\n)*.*)$", re.MULTILINE)
PAIR = re.compile(r'([\w.]+)=(?:"([^"]*)"|(\S+))')
MEDIA = "application/vnd.oci.image."


@dataclass(frozen=True, slots=True)
class Blob:
    """One part of the archive, named by its digest."""

    media: str
    digest: str
    size: int

    def __str__(self) -> str:
        return f"blobs/sha256/{self.digest}"

    def described(self) -> dict[str, Any]:
        """Return how other parts refer to it."""
        return {"mediaType": MEDIA + self.media, "digest": f"sha256:{self.digest}", "size": self.size}


def start_config(dockerfile: str) -> dict[str, Any]:
    """Return the container's user, entry point, environment and labels as the last stage has them."""
    found: dict[str, Any] = {"Env": [], "Labels": {}}
    for name, text in INSTRUCTION.findall(dockerfile[dockerfile.rindex("\nFROM ") :]):
        pairs = [(key, quoted or plain) for key, quoted, plain in PAIR.findall(text)]
        match name:
            case "ENV":
                found["Env"] += ["=".join(pair) for pair in pairs]
            case "LABEL":
                found["Labels"] |= dict(pairs)
            case "ENTRYPOINT":
                found["Entrypoint"] = json.loads(text)
            case _:
                found["User"] = text
    return found


def pack(root: Path, out: Path, tag: str) -> None:
    """Write the archive."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    with tempfile.TemporaryFile(dir=out.parent) as layer, tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as archive:
        with tarfile.open(fileobj=layer, mode="w", format=tarfile.PAX_FORMAT) as packed:
            for name in sorted(os.listdir(root)):
                packed.add(root / name, name, filter=_plain)
        files = _put(archive, "layer.v1.tar", layer)
        config = {
            "architecture": machine,
            "os": "linux",
            "config": start_config(DOCKERFILE.read_text()),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{files.digest}"]},
        }
        made = _put(archive, "config.v1+json", _json(config))
        manifest = {"schemaVersion": 2, "config": made.described(), "layers": [files.described()]}
        whole = _put(archive, "manifest.v1+json", _json(manifest)).described()
        names = {"io.containerd.image.name": tag, "org.opencontainers.image.ref.name": tag.rpartition(":")[2]}
        index = {"schemaVersion": 2, "manifests": [whole | {"annotations": names}]}
        _add(archive, "index.json", _json(index))
        _add(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out what differs from one machine, day or packer to the next; all is root's, and others only read it."""
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _json(value: object) -> IO[bytes]:
    return io.BytesIO(json.dumps(value, sort_keys=True).encode())


def _put(archive: tarfile.TarFile, media: str, data: IO[bytes]) -> Blob:
    data.seek(0)
    digest = hashlib.file_digest(data, "sha256").hexdigest()
    blob = Blob(media, digest, data.seek(0, os.SEEK_END))
    _add(archive, str(blob), data)
    return blob


def _add(archive: tarfile.TarFile, name: str, data: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.mode = 0o644
    member.size = data.seek(0, os.SEEK_END)
    data.seek(0)
    archive.addfile(member, data)


def main() -> None:
    """Pack what the command line names."""
    parser = argparse.ArgumentParser(description="pack a root file system into an OCI image archive")
    parser.add_argument("root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tag", required=True, metavar="NAME:TAG")
    args = parser.parse_args()
    pack(args.root, args.out, args.tag)


if __name__ == "__main__":
    main()
