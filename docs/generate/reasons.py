"""Writes docs/reference/reasons.md from the comments in the source: a new reason is explained where it is added.

`--check` writes nothing and fails if the page is not what it would be. It reads the sources as text and imports none.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REASONS = ROOT / "controller" / "core" / "reasons.py"
FAILURES = ROOT / "controller" / "goplugin" / "failures.py"
PAGE = ROOT / "docs" / "reference" / "reasons.md"

MEMBER = re.compile(r'^    [A-Z_]+ = "(?P<word>[A-Za-z]+)"(?:  # (?P<text>.+))?$')
SECTION = re.compile(r"^    # (?P<title>.+)$")
HEAD = """\
<!-- Written by `make docs` from the comments in controller/core/reasons.py and controller/goplugin/failures.py. -->
# Reasons

Every word that can stand as the reason of a condition, an exit or an event. They are part of the API: a word keeps its
meaning. What to do about a condition is in [operating](operating.md).
"""


def render(reasons: str, failures: str) -> str:
    """Make the page from the text of the two modules. Raises KeyError for a word that nobody explains."""
    elsewhere = dict(_words(failures))
    lines = [HEAD.rstrip()]
    for line in reasons.splitlines():
        if section := SECTION.match(line):
            title = section["title"].partition(" (")[0].rstrip(".")
            lines += ["", f"## {title}", "", "| reason | what it means |", "| --- | --- |"]
        elif member := MEMBER.match(line):
            lines.append(f"| `{member['word']}` | {member['text'] or elsewhere[member['word']]} |")
    return "\n".join(lines) + "\n"


def _words(source: str) -> Iterator[tuple[str, str]]:
    for line in source.splitlines():
        if (member := MEMBER.match(line)) and member["text"]:
            yield member["word"], member["text"]


def main(*, check: bool) -> int:
    """Write the page, or compare it."""
    page = render(REASONS.read_text(), FAILURES.read_text())
    if not check:
        PAGE.write_text(page)
    elif not PAGE.exists() or PAGE.read_text() != page:
        print(f"{PAGE.relative_to(ROOT)} is out of date: make docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
