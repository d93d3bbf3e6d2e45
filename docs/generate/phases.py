"""Draws the diagram of docs/explanation/phases.md from the table that the core itself obeys.

`--check` writes nothing and fails if the drawing is not what it would be. The words around it are written by hand.
"""

import sys
from pathlib import Path

from controller.core.phases import diagram

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "phases.md"
BEGIN = "<!-- drawn by `make docs` from controller/core/phases.py -->\n"
END = "<!-- end of the drawing -->\n"


def render(page: str, drawing: str) -> str:
    """Put the drawing between its marks. Raises ValueError if a mark is not there."""
    head, rest = page[: page.index(BEGIN)], page[page.index(END) :]
    return f"{head}{BEGIN}```mermaid\n{drawing.rstrip()}\n```\n{rest}"


def main(*, check: bool) -> int:
    """Write the page, or compare it."""
    old = PAGE.read_text()
    new = render(old, diagram())
    if not check:
        PAGE.write_text(new)
    elif old != new:
        print(f"{PAGE.relative_to(ROOT)} is out of date: make docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
