import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_reference_pages_are_those_of_the_crds():
    checked = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate" / "crd_reference.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")
