"""Writing for people: aligned columns, colour where it can be seen, and nothing that a plugin could do to a terminal.

Plain columns and six escape codes instead of a library: that would take longer to import than the answer takes to come.
"""

import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

RED, GREEN, YELLOW, DIM, BOLD = "31", "32", "33", "2", "1"
GAP = "  "


@dataclass(frozen=True, slots=True)
class Cell:
    """One table cell; `colour` is one of the codes above."""

    text: str
    colour: str = ""


Row = Sequence[Cell | str]


@dataclass(frozen=True, slots=True)
class Page:
    """What the reader's end can show. `width` None: lines are never cut."""

    colour: bool = False
    width: int | None = None

    def paint(self, text: str, colour: str) -> str:
        """Colour the text, if this page has colours."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colour and colour else text

    def cut(self, text: str, width: int) -> str:
        """Fit the text into so many columns."""
        if columns(text) <= width:
            return text
        while text and columns(text) > width - 1:
            text = text[:-1]
        return text + "…"

    def table(self, rows: Iterable[Row]) -> list[str]:
        """Align the columns; the last one is not padded, and is cut where the line must end."""
        cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
        cells = [[Cell(printable(cell.text) or "-", cell.colour) for cell in row] for row in cells]
        widths = [max(columns(cell.text) for cell in column) for column in zip(*cells, strict=True)]
        return [self._line(row, widths) for row in cells]

    def _line(self, row: Sequence[Cell], widths: Sequence[int]) -> str:
        left = sys.maxsize if self.width is None else self.width
        parts = []
        for cell, width in zip(row, widths, strict=True):
            if left <= 0:
                break
            text = self.cut(cell.text, left)
            parts.append(self.paint(text, cell.colour) + " " * (min(width, left) - columns(text)))
            left -= width + len(GAP)
        return GAP.join(parts).rstrip()


def page(stream: TextIO) -> Page:
    """What `stream` can show: colours and a width only on a terminal, colours only where NO_COLOR is not set."""
    if not stream.isatty():
        return Page()
    has_colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Page(has_colour, shutil.get_terminal_size().columns)


def printable(text: str) -> str:
    """The text in one line without control characters: what a plugin says must not move a cursor."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def quoted(value: Any) -> str:
    """A field's value as one word: quoted if it is empty or has a space, a quote or an equals sign in it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if text and text.isprintable() and not set(' "=') & set(text) else json.dumps(text, ensure_ascii=False)


def columns(text: str) -> int:
    """How many columns a terminal takes for it."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
