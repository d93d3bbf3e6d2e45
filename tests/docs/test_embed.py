"""The README's lines of embedding are true: taken from the page as they stand, they run a real plugin and stop it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins import zoo

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"<!-- embed.*?-->\n```python\n(.*?)```\n<!-- /embed -->", re.DOTALL)
RULE = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(ROOT)!r})
from controller.kinds import Rule, RuleMatch, serve

class FailedLogin(Rule):
    name = "failed-login"

    def evaluate(self, event):
        if event["outcome"] == "failure":
            return RuleMatch(title="login of " + event["user"] + " failed")

serve(FailedLogin())
"""


@pytest.fixture
def block() -> str:
    (found,) = BLOCK.findall((ROOT / "README.md").read_text())
    return found


def test_the_lines_are_those_of_the_example(block: str) -> None:
    example = (ROOT / "examples" / "embedding" / "embed.py").read_text()
    assert example.endswith('"""\n\n' + block)


def test_the_lines_run_a_plugin_ask_it_and_leave_nothing(block: str, tmp_path: Path) -> None:
    (tmp_path / "rule.py").write_text(RULE)
    zoo.install(tmp_path / "rule.py", tmp_path / "rules", "failed-login")
    (tmp_path / "embed.py").write_text(block)
    (tmp_path / "tmp").mkdir()
    done = subprocess.run(
        [sys.executable, tmp_path / "embed.py", tmp_path / "rules"],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path / "tmp")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "login of root failed" in done.stdout
    assert list((tmp_path / "tmp").iterdir()) == []
