"""The tutorial is true: its commands are typed as they stand, beside a real `make run`, in a copy of the repository.

After an `sh` block, a `text` block has what a reader must come to see: the last command is typed again until every line
of it is there. A `terminal` block has what `make run` must come to show since those commands.
Blanks stand for any number of them, `...` for anything.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorial" / "first-plugins.md"
PATIENCE = 90
BLOCK = re.compile(r"^```(sh|text|terminal)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COPIED = (
    "Makefile",
    "README.md",
    "LICENSE",
    "pyproject.toml",
    "requirements",
    "controller",
    "crds",
    "examples",
    "clients",
)


@dataclass(frozen=True)
class Clone:
    """A copy of the repository with `make run` running in it."""

    path: Path
    make: "subprocess.Popen[bytes]"

    @property
    def terminal(self) -> str:
        """All that make shows."""
        return (self.path / "make.log").read_text()

    def interrupt(self) -> int:
        """Press Ctrl-C: the terminal sends it to the whole foreground group."""
        if self.make.poll() is None:
            os.killpg(self.make.pid, signal.SIGINT)
        return self.make.wait(PATIENCE)


def start(path: Path, events: Path | None = None) -> Clone:
    """Type `make run`. The terminal's group is the new session's first."""
    with (path / "make.log").open("w") as log, (events or Path("/dev/null")).open() as stdin:
        command = ["make", "run", "HTTP=127.0.0.1:0"]
        made = subprocess.Popen(command, cwd=path, stdin=stdin, stdout=log, stderr=log, start_new_session=True)
    return Clone(path, made)


@pytest.fixture
def copy() -> Iterator[Path]:
    """A copy of the repository where paths are short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="pm") as made:
        path = Path(made)
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, path / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, path / name)
        (path / ".venv").symlink_to(sys.prefix)
        yield path


@pytest.fixture
def clone(copy: Path) -> Iterator[Clone]:
    """Afterwards it is stopped as a reader stops it."""
    made = start(copy)
    try:
        yield made
    finally:
        made.interrupt()


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


def look(clone: Clone, expected: list[str], begin: int) -> None:
    """Look at the terminal until it shows the lines, from there on: what changes, and after all of that the alerts."""
    changes = [re.compile(f"^{pattern(line)}", re.MULTILINE) for line in expected if line.startswith("--")]
    alerts = [re.compile(f"^{pattern(line)}", re.MULTILINE) for line in expected if not line.startswith("--")]
    until = time.monotonic() + PATIENCE
    while True:
        shown = clone.terminal[begin:]
        changed = [each.search(shown) for each in changes]
        rest = shown[max([each.end() for each in changed if each], default=0) :]
        if all(changed) and all(each.search(rest) for each in alerts):
            return
        assert time.monotonic() < until, f"make does not show {expected} but:\n{shown[:3000]}"
        assert clone.make.poll() is None, f"make has ended:\n{shown[:3000]}"
        time.sleep(0.05)


@pytest.mark.go
@pytest.mark.timeout(400)
def test_every_step_shows_what_the_page_says(clone: Clone) -> None:
    blocks = BLOCK.findall(PAGE.read_text())
    assert {name for name, _ in blocks} == {"sh", "text", "terminal"}
    prelude, last, begin = "", "true", 0
    for name, text in blocks:
        lines = text.strip().splitlines()
        if name == "sh":
            begin = len(clone.terminal)
            *first, last = lines
            prelude += "".join(f"{line}\n" for line in first if line.startswith("export "))
            shell("set -e\n" + prelude + "\n".join(first), clone.path)
            see(prelude + last, [], clone.path)
        elif name == "text":
            see(prelude + last, lines, clone.path)
        else:
            look(clone, lines, begin)


@pytest.mark.go
def test_an_interrupt_ends_it_and_leaves_nothing(clone: Clone) -> None:
    command = ".venv/bin/pluginmgr status --state-dir build/state"
    look(clone, ["-- rule/failed-login serves", '{"rule": "failed-login", ...'], 0)
    status = json.loads(shell(f"{command} -o json", clone.path))["status"]
    keys = [f"{each['kind']}/{each['name']}" for each in status["plugins"]]
    plugins = [json.loads(shell(f"{command} {key} -o json", clone.path)) for key in keys]
    workers = [process["pid"] for plugin in plugins for process in plugin["processes"]]
    assert len(workers) == 6 + 2
    clone.interrupt()
    assert [pid for pid in [status["controller"]["pid"], *workers] if Path(f"/proc/{pid}").exists()] == []
    assert "Traceback" not in clone.terminal


@pytest.mark.go
def test_events_of_ones_own_are_brought_through_and_it_ends(copy: Path) -> None:
    made = start(copy, ROOT / "examples/pipeline/events.jsonl")
    assert made.make.wait(2 * PATIENCE) == 0, made.terminal
    alerts = [json.loads(line) for line in made.terminal.splitlines() if line.startswith("{")]
    assert len([each for each in alerts if each["rule"] == "failed-login"]) == 8


@pytest.mark.go
def test_a_controller_that_cannot_start_says_why_and_ends_it(copy: Path) -> None:
    (copy / "build").mkdir()
    (copy / "build/pluginconfig.yaml").write_text("kind: Something\n")
    made = start(copy)
    assert made.make.wait(PATIENCE) != 0
    assert "build/pluginconfig.yaml" in made.terminal
    assert "Something" in made.terminal
