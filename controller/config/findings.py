"""What is wrong with a document, and where: one value per finding, and the error that carries them all."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from controller.errors import ConfigError

Path = tuple[str | int, ...]  # keys and list indexes, from the document's root
LONGEST = 60  # characters of a foreign value in a message
_WORD = re.compile(r"[A-Za-z0-9._+-]{1,255}")  # nothing that a terminal would obey
SHOWN = 5  # findings in a condition's message; the rest is counted


@dataclass(frozen=True, slots=True)
class Position:
    """Where something stands in a text, counted from 1. An object of the cluster has no positions."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: `file:line:column: field: message`."""

    source: str
    message: str
    field: str = ""
    position: Position | None = None

    def __str__(self) -> str:
        """The line that people read; parts that are not known are left out."""
        place = f"{self.source}:{self.position.line}:{self.position.column}" if self.position else self.source
        return ": ".join(part for part in (place, self.field, self.message) if part)


class DocumentError(ConfigError):
    """A document that cannot be used, with everything that is wrong with it, in the order of its lines."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        """`findings` need not be sorted and must not be empty."""
        self.findings = in_order(findings)
        super().__init__("\n".join(map(str, self.findings)))

    def summary(self) -> str:
        """The first findings in one line, short enough for a condition."""
        shown = "; ".join(map(str, self.findings[:SHOWN]))
        rest = len(self.findings) - SHOWN
        return f"{shown}; and {rest} more" if rest > 0 else shown


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By line, column and field; each once."""
    return tuple(sorted(dict.fromkeys(findings), key=_rank))


def name_of(path: Path, data: Any) -> str:
    """A field as people call it, `spec.kinds[rule].workers`: items of a list go by their name where they have one."""
    words: list[str] = []
    for step in path:
        data = _child(data, step)
        if isinstance(step, str):
            word = step if _WORD.fullmatch(step) else ascii(step[:LONGEST])
            words.append(f".{word}" if words else word)
        else:
            name = data.get("name") if isinstance(data, dict) else None
            words.append(f"[{name if isinstance(name, str) and _WORD.fullmatch(name) else step}]")
    return "".join(words)


def _child(data: Any, step: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(step)
    if isinstance(data, list) and isinstance(step, int) and step < len(data):
        return data[step]
    return None


def _rank(finding: Finding) -> tuple[int, int, str]:
    position = finding.position or Position(0, 0)
    return (position.line, position.column, finding.field)
