"""The import contracts of pyproject.toml bite: each is broken on purpose, in a tree with every module they name."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
MODULES = re.findall(r"\w+", " ".join(CONTRACTS[0]["layers"]))
LAYERS = "Imports go downwards, and every module has a layer"
PURE = "The core is pure: it imports nothing but these"
LIBRARY = "The go-plugin protocol is a library of its own"
KUBE = "Only kube knows Kubernetes"
GRPC = "Only those who talk gRPC import it"
WATCH = "Only volume and local watch files"
PYTEST = "Only testing knows pytest"


@pytest.fixture
def broken(tmp_path: Path) -> Callable[[str, str], set[str]]:
    """`broken(module, line)`: the names of the contracts that this one line would break."""
    package = tmp_path / "controller"
    for module in ["", *MODULES]:
        (package / module).mkdir(exist_ok=True)
        (package / module / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())

    def lint(module: str, line: str) -> set[str]:
        package.joinpath(*module.split(".")).with_suffix(".py").write_text(line + "\n")
        done = subprocess.run(
            [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
            cwd=tmp_path,
            env={"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ("BROKEN" in done.stdout) == (done.returncode != 0), done.stdout + done.stderr
        return {line.partition(" BROKEN")[0].strip() for line in done.stdout.splitlines() if " BROKEN" in line}

    return lint


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("core.planted", "import controller.manager", LAYERS),
        ("errors.planted", "import controller.settings", LAYERS),
        ("manager.planted", "from controller.http import planted", LAYERS),
        ("volume.planted", "import controller.config", LAYERS),
        ("local.planted", "import controller.kube", LAYERS),
        ("cli.planted", "import controller.testing", LAYERS),
        ("utils", "X = 1", LAYERS),
        ("core.planted", "import asyncio", PURE),
        ("core.planted", "import os", PURE),
        ("core.planted", "from time import monotonic", PURE),
        ("core.planted", "import random", PURE),
        ("core.planted", "import subprocess", PURE),
        ("core.planted", "import logging", PURE),
        ("core.planted", "import prometheus_client", PURE),
        ("core.planted", "import a_third_party_nobody_thought_of", PURE),
        ("errors.planted", "import controller.core", LAYERS),
        ("goplugin.planted", "import controller.core", LIBRARY),
        ("goplugin.planted", "from controller.errors import planted", LIBRARY),
        ("cli.planted", "import kopf", KUBE),
        ("local.planted", "import kubernetes.client", KUBE),
        ("manager.planted", "import grpc.aio", GRPC),
        ("http.planted", "import grpc", GRPC),
        ("config.planted", "import watchfiles", WATCH),
        ("app.planted", "from controller.testing import planted", LAYERS),
        ("manager.planted", "import pytest", PYTEST),
    ],
)
def test_a_forbidden_import_breaks_its_contract(
    broken: Callable[[str, str], set[str]], module: str, line: str, contract: str
) -> None:
    assert contract in broken(module, line)


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("core.planted", "import controller.errors\nfrom collections.abc import Mapping\nimport heapq"),
        ("goplugin.planted", "import asyncio\nimport grpc.aio\nimport google.protobuf.message"),
        ("kube.planted", "import controller.manager\nimport kopf\nimport kubernetes"),
        ("volume.planted", "import controller.core\nimport watchfiles"),
        ("local.planted", "import watchfiles"),
        ("testing.planted", "import controller.registry\nimport grpc.aio\nimport pytest"),
        ("app", "import controller.kube\nimport controller.local\nimport controller.http"),
    ],
)
def test_what_a_layer_is_for_breaks_nothing(broken: Callable[[str, str], set[str]], module: str, line: str) -> None:
    assert broken(module, line) == set()
