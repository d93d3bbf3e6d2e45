"""The corpus: documents as people write them, and what is to be said of the bad ones.

A bad one begins with a line for each finding: `# LINE FIELD: MESSAGE`. The same files are judged by a real API server.
"""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

CORPUS = Path(__file__).parent / "corpus"
_EXPECTED = re.compile(r"# (?P<line>\d+) (?P<field>[^ :]*): (?P<message>.+)")


class Expected(NamedTuple):
    """One finding."""

    line: int
    field: str
    message: str


def documents(kind: str, *, without: object = ()) -> list[object]:
    """Parameters of a test: the files of the good or the bad documents."""
    paths = sorted((CORPUS / kind).iterdir())
    return [pytest.param(path, id=path.stem) for path in paths if path.stem not in without]


def document(name: str) -> Path:
    """The file of one document, good or bad."""
    (found,) = CORPUS.glob(f"*/{name}.*")
    return found


def expected_of(path: Path) -> list[Expected]:
    """What is to be said of a bad document, by its first lines."""
    expected = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not (match := _EXPECTED.fullmatch(line)):
            break
        expected.append(Expected(int(match["line"]), match["field"], match["message"]))
    return expected
