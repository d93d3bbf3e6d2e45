"""The Dockerfile's steps without an engine: its build context, its RUN, and a process started as it says."""

import fnmatch
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.deploy.render import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
BUILD_STAGE, RUN_STAGE = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
COPY = re.compile(r"^COPY (.+) (\S+)$", re.MULTILINE)
HOME = "/opt/pluginmgr"
PYTHON = f"/mnt/python/bin/python{sys.version_info.major}.{sys.version_info.minor}"  # where `inside` puts ours
MOUNTS = f"""
set -e
mount -t tmpfs tmpfs /mnt && mkdir /mnt/python
mount --bind {sys.base_prefix} /mnt/python && mount -o remount,bind,ro /mnt/python
mount -t tmpfs tmpfs /opt && mkdir {HOME}
mount --bind "$0{HOME}" {HOME} && mount -o remount,bind,ro {HOME}
exec "$@"
"""
LOADER = [
    "env",
    "LD_LIBRARY_PATH=/mnt/python/lib",
]  # a Python with a shared library looks for it where it was installed
NOBODY = ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", "--no-new-privs", "--bounding-set=-all"]


def archive() -> ModuleType:
    """deploy/image/archive.py, which is a program and in no package."""
    spec = importlib.util.spec_from_file_location("archive", ROOT / "deploy/image/archive.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["archive"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def context(place: Path) -> Path:
    """What the build stage has of these sources: the files that it copies and .dockerignore lets through."""
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for names, target in COPY.findall(BUILD_STAGE):
        for name in names.split():
            assert any(fnmatch.fnmatch(name, pattern) or name.startswith(f"{pattern}/") for pattern in kept), name
            source, goal = ROOT / name, place / target
            if source.is_dir():
                shutil.copytree(source, goal, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                goal.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, goal)
    return place


def install(sources: Path, root: Path) -> Path:
    """Run the build stage's RUN in the sources, for another root file system than this machine's."""
    (step,) = re.findall(r"^RUN (.+)$", DOCKERFILE, re.MULTILINE)
    env = {**os.environ, "PYTHON": sys.executable, "INTERPRETER": PYTHON, "SOURCE_DATE_EPOCH": "1767225600"}
    subprocess.run([sources / step, root], cwd=sources, env=env, check=True)
    return root


def inside(root: Path, *command: str) -> list[str]:
    """A command line that runs in a view of this machine that has the image's tree, read-only, by its user."""
    user = NOBODY if os.geteuid() == 0 else []
    return [*_namespace(), "sh", "-c", MOUNTS, str(root), *user, *LOADER, *command]


def skip_without_namespaces() -> None:
    """Some machines let nobody but root make a mount namespace."""
    done = subprocess.run([*_namespace(), "true"], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no mount namespaces here: {done.stderr.decode().strip()}")


def _namespace() -> list[str]:
    return ["unshare", "--mount", *(() if os.geteuid() == 0 else ("--user", "--map-root-user"))]


def environment() -> dict[str, str]:
    """What a container of the image has; its home, engines add for users without a name."""
    config: dict[str, Any] = archive().start_config(DOCKERFILE)
    return {"HOME": "/"} | dict(each.split("=", 1) for each in config["Env"])


def digests(root: Path) -> dict[str, tuple[int, float, str]]:
    """Mode, time and content of everything below."""
    return {str(path.relative_to(root)): _of(path) for path in sorted(root.rglob("*"))}


def _of(path: Path) -> tuple[int, float, str]:
    about = path.lstat()
    if path.is_symlink():
        content = str(path.readlink())
    else:
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return about.st_mode, about.st_mtime, content
