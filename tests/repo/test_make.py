"""`make` explains itself, and CI runs nothing that a developer can't."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()


def test_make_alone_lists_every_target() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make (\S+)", shown, re.MULTILINE) == re.findall(r"^\.PHONY: (\S+)", MAKEFILE, re.MULTILINE)


def test_ci_runs_make_only() -> None:
    commands = re.findall(r"^make (\S+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert commands == ["check", "test"]
