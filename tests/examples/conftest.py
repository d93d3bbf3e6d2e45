"""The samples, built once, and a controller that runs them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from controller.testing import LocalMode, in_local_mode
from tests.tools import build

EXAMPLES = build.ROOT / "examples"
CONFIG = yaml.safe_load((EXAMPLES / "local/pluginconfig.yaml").read_text())


def run_build(root: Path) -> None:
    """Run build.sh of a copy, with this interpreter and with Go."""
    path = f"{Path(sys.executable).parent}:{Path(build.go()).parent}:{os.environ['PATH']}"
    subprocess.run([root / "examples/build.sh"], env={**os.environ, "PATH": path}, check=True)


def copy_examples(root: Path) -> Path:
    """What build.sh needs, elsewhere."""
    for name in ("examples", "clients"):
        shutil.copytree(build.ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of plugins that build.sh makes."""
    root = copy_examples(tmp_path_factory.mktemp("samples"))
    run_build(root)
    return root / "build/plugins"


@pytest.fixture
def controller(tmp_path: Path, samples: Path) -> Iterator[LocalMode]:
    """All samples serve, as in `make run`, and run this tree's package."""
    with in_local_mode(tmp_path, LocalMode) as mode:
        shutil.copytree(samples, mode.plugins, dirs_exist_ok=True)
        path = {"name": "PYTHONPATH", "value": str(build.ROOT)}
        defaults = {"env": [path], "update": {"minReadySeconds": 0}}
        mode.write_config({"defaults": defaults, **CONFIG["spec"]})
        mode.start()
        mode.until(lambda status: status["ready"] and all(each["state"] == "Serving" for each in status["plugins"]))
        yield mode
