"""The one table that the benchmarks print: what, ours, the bare thing, their ratio, the budget, whether it is met."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

HEAD = ("what", "n", "ours", "bare", "ratio", "budget", "met")


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `limit` is in the unit of `ours`; None for a figure that has no budget of its own."""

    what: str
    n: int
    ours: float
    unit: str = "ms"
    bare: float | None = None
    limit: float | None = None
    budget: str = ""  # the limit's own words
    worst: bool = False  # `ours` is the worst of n, not their median

    @property
    def is_met(self) -> bool | None:
        """Whether the budget is kept; None without one."""
        return None if self.limit is None else self.ours <= self.limit

    def cells(self) -> tuple[str, ...]:
        """What is printed."""
        met = {True: "yes", False: f"NO, by {self.ours - (self.limit or 0):.3g}", None: ""}[self.is_met]
        budget = self.budget if self.limit is None else f"{_number(self.limit)} {self.budget}".strip()
        return (
            self.what,
            f"{self.n}{' worst' if self.worst else ''}",
            f"{_number(self.ours)} {self.unit}",
            "" if self.bare is None else f"{_number(self.bare)} {self.unit}",
            f"{self.ours / self.bare:.2f}" if self.bare else "",
            budget,
            met,
        )


def show(rows: Iterable[Row]) -> str:
    """The rows in columns."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def load() -> str:
    """How busy the machine is: what every figure has to be read with."""
    one, five, _ = os.getloadavg()
    return f"{os.cpu_count()} cores, load {one:.1f} over one minute, {five:.1f} over five"


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
