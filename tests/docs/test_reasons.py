"""Every word that leaves the process is explained to operators, once, and the pages made from code are up to date."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from controller.core.reasons import Reason

ROOT = Path(__file__).resolve().parents[2]
GENERATORS = sorted((ROOT / "docs" / "generate").glob("*.py"))


def test_every_reason_has_one_line_for_operators() -> None:
    page = (ROOT / "docs" / "reference" / "reasons.md").read_text()
    assert re.findall(r"^\| `(\w+)` \| \S.+ \|$", page, re.MULTILINE) == [str(reason) for reason in Reason]


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda path: path.stem)
def test_a_page_made_from_code_is_up_to_date(generator: Path) -> None:
    environment = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, generator, "--check"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
