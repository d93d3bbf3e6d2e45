"""The locked dependencies are those of pyproject.toml, pinned by version and hash, and name no place to load from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS = PYPROJECT["dependency-groups"]
CLUSTER = PYPROJECT["project"]["optional-dependencies"]["cluster"]
WANTED = {
    "run": PYPROJECT["project"]["dependencies"],
    "cluster": PYPROJECT["project"]["dependencies"] + CLUSTER,
    "dev": PYPROJECT["project"]["dependencies"] + CLUSTER + GROUPS["dev"] + PYPROJECT["build-system"]["requires"],
    "build": PYPROJECT["build-system"]["requires"],
    "foreign": GROUPS["foreign"],
    "go": GROUPS["go"],
}
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>[^\\]+))? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def locked(name: str) -> dict[str, Version]:
    pins = map(PIN.match, (ROOT / "requirements" / f"{name}.txt").read_text().splitlines())
    return {pin["name"]: Version(pin["version"]) for pin in pins if pin}


@pytest.mark.parametrize("name", WANTED)
def test_the_lock_satisfies_what_pyproject_asks_for(name: str) -> None:
    pins = locked(name)
    wanted = map(Requirement, WANTED[name])
    unmet = [str(each) for each in wanted if pins.get(canonicalize_name(each.name), Version("0")) not in each.specifier]
    assert unmet == []


@pytest.mark.parametrize("name", WANTED)
def test_every_line_of_a_lock_is_a_pin_or_a_hash(name: str) -> None:
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    assert [line for line in lines if not PIN.match(line) and not HASH.match(line)] == []


@pytest.mark.parametrize("name", WANTED)
def test_every_pin_is_followed_by_a_hash(name: str) -> None:
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    assert [
        line
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if PIN.match(line) and not HASH.match(following)
    ] == []


@pytest.mark.parametrize("name", ["run", "cluster", "build"])
def test_tests_run_with_what_is_shipped(name: str) -> None:
    development = locked("dev")
    assert {name: development.get(name) for name in locked(name)} == locked(name)


def test_no_lock_is_left_unchecked() -> None:
    assert {path.stem for path in (ROOT / "requirements").iterdir()} == set(WANTED)
