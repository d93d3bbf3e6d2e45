"""Writing for people: aligned columns, colour where it can be seen, and nothing that a plugin could do to a terminal.

Plain columns and six escape codes instead of a library: that would take longer to import than the answer takes to come.
"""

import json
import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

RED, GREEN, YELLOW, DIM, BOLD = "31", "32", "33", "2", "1"
GAP = "  "
PAINT = re.compile(r"(\x1b\[[\d;]*m)")


@dataclass(frozen=True, slots=True)
class Cell:
    """One table cell; `colour` is one of the codes above."""

    text: str
    colour: str = ""


Row = Sequence[Cell | str]


@dataclass(frozen=True, slots=True)
class Page:
    """What the reader's end can show. `width` None: as long as it likes."""

    colour: bool = False
    width: int | None = None

    def paint(self, text: str, colour: str) -> str:
        """Colour the text, if this page has colours."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colour and colour else text

    def fit(self, line: str) -> str:
        """Cut a line, painted or not, so that it stays one line."""
        if self.width is None or columns(PAINT.sub("", line)) <= self.width:
            return line
        kept, left = "", self.width - 1
        for part in PAINT.split(line):
            if PAINT.fullmatch(part):
                kept += part
            else:
                shown = _head(part, left)
                kept += shown
                left = left - columns(shown) if shown == part else 0
        return kept + "…"

    def table(self, rows: Iterable[Row]) -> list[str]:
        """Align the columns; the last one is not padded. An empty cell is a dash."""
        cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
        cells = [[Cell(printable(cell.text) or "-", cell.colour) for cell in row] for row in cells]
        widths = [max(columns(cell.text) for cell in column) for column in zip(*cells, strict=True)]
        return [self._line(row, widths) for row in cells]

    def _line(self, row: Sequence[Cell], widths: Sequence[int]) -> str:
        pads = (" " * (width - columns(cell.text)) for cell, width in zip(row, widths, strict=True))
        return GAP.join(self.paint(cell.text, cell.colour) + pad for cell, pad in zip(row, pads, strict=True)).rstrip()


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


def _head(text: str, width: int) -> str:
    for index, character in enumerate(text):
        width -= columns(character)
        if width < 0:
            return text[:index]
    return text
