"""What the pages tell a reader to type exists: commands, their options, and make's targets."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CODE = re.compile(r"```\w*\n(.*?)```|`([^`\n]*)`", re.DOTALL)
COMMAND = re.compile(r"\bpluginmgr ([a-z]+)\b([^\n|;&)]*)")
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
TARGET = re.compile(r"^\s*(?:\$ )?make ([a-z][a-z-]*)", re.MULTILINE)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code(page: Path) -> list[str]:
    return [block or inline for block, inline in CODE.findall(page.read_text())]


@cache
def options(command: str) -> set[str]:
    """The options of a command, as its own help names them; there is no such command if its help fails."""
    done = subprocess.run(
        [sys.executable, "-m", "controller", command, "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"there is no `pluginmgr {command}`: {done.stderr}"
    return set(OPTION.findall(done.stdout))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_and_option_in_a_page_exists(page: Path) -> None:
    named = [found for text in code(page) for found in COMMAND.findall(text)]
    unknown = [(command, option) for command, rest in named for option in set(OPTION.findall(rest)) - options(command)]
    assert unknown == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_target_of_make_in_a_page_exists(page: Path) -> None:
    targets = set(re.findall(r"^\.PHONY: (\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {target for text in code(page) for target in TARGET.findall(text)} <= targets
