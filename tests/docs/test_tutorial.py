"""The tutorial is true: its commands are typed as they stand, beside a real `make run`, in a copy of the repository.

After an `sh` block, a `text` block has what a reader must come to see: the last command is typed again until every line
of it is there. Blanks stand for any number of them, `...` for anything.
"""

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorial" / "first-plugins.md"
PATIENCE = 30
BLOCK = re.compile(r"```sh\n(?P<commands>.*?)```(?:\n\n```text\n(?P<shown>.*?)```)?", re.DOTALL)
COPIED = ("Makefile", "README.md", "LICENSE", "pyproject.toml", "requirements", "controller", "crds", "examples")


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A copy of the repository with `make run` running in it; afterwards it is stopped as a reader stops it."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    with tempfile.TemporaryDirectory(prefix="pm") as run_dir, (tmp_path / "make.log").open("w") as log:
        command = ["make", "run", "HTTP=127.0.0.1:0", f"RUN_DIR={run_dir}"]
        make = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True)
        try:
            yield tmp_path
        finally:
            interrupt(make)


def interrupt(make: subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C: the terminal sends it to the whole foreground group."""
    processes = Path(f"/proc/{make.pid}/task/{make.pid}/children").read_text().split()
    for pid in (make.pid, *map(int, processes)):
        subprocess.run(["kill", f"-{signal.SIGINT.value}", str(pid)], check=False)
    make.wait(PATIENCE)


def pattern(line: str) -> str:
    return r"\s+".join(".*" if word == "..." else re.escape(word) for word in line.split()).replace(r"\s+.*", ".*")


def shell(commands: str, directory: Path) -> str:
    command = ["bash", "-uo", "pipefail", "-c", commands]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=PATIENCE).stdout


def see(command: str, expected: list[str], directory: Path) -> None:
    """Type the command until everything expected is shown."""
    until = time.monotonic() + PATIENCE
    while True:
        shown = shell(command, directory)
        missing = [line for line in expected if not re.search(pattern(line), shown)]
        if not missing:
            return
        assert time.monotonic() < until, f"{command} does not show {missing} but:\n{shown}"


@pytest.mark.go
def test_every_step_shows_what_the_page_says(clone: Path) -> None:
    steps = list(BLOCK.finditer(PAGE.read_text()))
    assert steps
    prelude = ""
    for step in steps:
        *first, last = step["commands"].strip().splitlines()
        prelude += "".join(f"{line}\n" for line in first if line.startswith("export "))
        shell("set -e\n" + prelude + "\n".join(first), clone)
        see(prelude + last, (step["shown"] or "").strip().splitlines(), clone)


@pytest.mark.go
def test_an_interrupt_ends_it_and_leaves_nothing(clone: Path) -> None:
    command = ".venv/bin/pluginmgr status --state-dir build/state"
    see(command, ["2/2 ready ..."], clone)
    controller = json.loads(shell(f"{command} -o json", clone))["status"]["controller"]["pid"]
    plugins = [shell(f"{command} greeter/{name} -o json", clone) for name in ("greeter-go", "greeter-python")]
    workers = [process["pid"] for plugin in plugins for process in json.loads(plugin)["processes"]]
    assert len(workers) == 2 + 1
    subprocess.run(["kill", "-INT", str(controller)], check=True)
    see(f"{command} > /dev/null; echo code $?", ["code 3"], clone)
    assert [pid for pid in workers if Path(f"/proc/{pid}").exists()] == []
