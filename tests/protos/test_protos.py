"""The protocols: generated code is what the protos give, and a change that would break others is found."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import build

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"
BIN = Path(sys.executable).parent
NOT_GENERATED = {"__init__.py"}


def generate(language: str, root: Path, *tools: Path) -> None:
    path = os.pathsep.join([*map(str, tools), str(BIN), os.environ["PATH"]])
    subprocess.run([PROTOS / "generate.sh", language, root], env=os.environ | {"PATH": path}, check=True)


def texts(root: Path, *folders: str) -> dict[str, str]:
    files = [path for folder in folders for path in (root / folder).iterdir()]
    return {str(path.relative_to(root)): path.read_text() for path in files if is_generated(path)}


def is_generated(path: Path) -> bool:
    return path.is_file() and path.name not in NOT_GENERATED


@pytest.mark.parametrize("package", ["goplugin", "kinds", "registry"])
def test_the_checked_in_python_is_what_the_protos_give(package: str, tmp_path: Path) -> None:
    generate("python", tmp_path)
    folder = f"controller/{package}/pb"
    assert texts(tmp_path, folder) == texts(ROOT, folder)


@pytest.mark.go
def test_the_checked_in_go_is_what_the_protos_give(tmp_path: Path) -> None:
    generate("go", tmp_path, *(build.build(name).parent for name in ("protoc-gen-go", "protoc-gen-go-grpc")))
    folders = ("clients/go/kindsv1", "clients/go/internal/registryv1")
    assert texts(tmp_path, *folders) == texts(ROOT, *folders)


def buf(protos: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / "buf", *words], cwd=protos, capture_output=True, text=True, check=False)


@pytest.fixture
def protos(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROTOS, tmp_path / "protos"))


def change(protos: Path, name: str, old: str, new: str) -> None:
    path = protos / "pluginmgr" / name
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def breaking(protos: Path) -> str:
    done = buf(protos, "breaking", "--against", "baseline.binpb")
    assert bool(done.returncode) == bool(done.stdout), done.stderr
    return done.stdout


def test_what_is_checked_in_breaks_nothing(protos: Path) -> None:
    assert breaking(protos) == ""


def test_a_new_field_breaks_nothing(protos: Path) -> None:
    change(protos, "kinds/v1/rule.proto", "  ItemError error = 7;\n", "  ItemError error = 7;\n  string more = 8;\n")
    assert breaking(protos) == ""


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("kinds/v1/rule.proto", "  ItemError error = 7;\n", "", 'Previously present field "7" with name "error"'),
        ("kinds/v1/rule.proto", "string title = 2;", "string title = 9;", 'Previously present field "2"'),
        ("kinds/v1/common.proto", "int64 created_", "uint64 created_", "changed type"),
        ("kinds/v1/matcher.proto", "rpc Ping(", "rpc Pong(", 'Previously present RPC "Ping"'),
        ("v1/registry.proto", "string worker = 1;", "", 'Previously present field "1" with name "worker"'),
    ],
)
def test_a_change_that_breaks_others_is_found(protos: Path, name: str, old: str, new: str, said: str) -> None:
    change(protos, name, old, new)
    assert said in breaking(protos)


def test_the_style_is_checked(protos: Path) -> None:
    assert buf(protos, "lint").returncode == 0
    change(protos, "kinds/v1/rule.proto", "string title = 2;", "string Title = 2;")
    assert "lower_snake_case" in buf(protos, "lint").stdout
