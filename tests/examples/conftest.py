"""The samples, built once, and a controller that runs them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e import rig
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
def controller(tmp_path: Path, samples: Path) -> Iterator[rig.Rig]:
    """All samples serve, as in `make run`."""
    with rig.rig(tmp_path) as made:
        shutil.copytree(samples, made.plugins, dirs_exist_ok=True)
        made.write_config(config())
        made.start()
        made.until(lambda status: status["ready"] and all(each["state"] == "Serving" for each in status["plugins"]))
        yield made


def config(**fields: dict[str, object]) -> dict[str, object]:
    """The spec of `make run`, with `kind_name={...}` over the entry of a plugin (- as _); its plugins run this tree."""
    kinds = [dict(kind) for kind in CONFIG["spec"]["kinds"]]
    for kind in kinds:
        listed = {each["name"]: dict(each) for each in kind.get("plugins", [])}
        for name, more in fields.items():
            kind_of, _, plugin = name.partition("__")
            if kind_of == kind["name"]:
                plugin = plugin.replace("_", "-")
                listed[plugin] = listed.get(plugin, {"name": plugin}) | more
        kind["plugins"] = list(listed.values())
    path = {"name": "PYTHONPATH", "value": str(build.ROOT)}
    return {
        "defaults": {"env": [path], "update": {"minReadySeconds": 0}},
        "kinds": kinds,
    }
