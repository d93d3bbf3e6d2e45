"""A priority queue that can be kept: adding or taking leaves the old one as it was (a leftist heap).

Both take logarithmic time. Entries are never removed from the middle: whoever reads it drops what is out of date when
it comes to the top, and builds it anew when most of it is out of date.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

E = TypeVar("E", bound=tuple[Any, ...])

# (distance to the nearest missing child, entry, left, right); a plain tuple, for it is made in every step.
_Node = tuple[int, E, "_Node[E] | None", "_Node[E] | None"]


@dataclass(frozen=True, slots=True)
class Agenda(Generic[E]):
    """Immutable; the smallest entry comes first."""

    _root: "_Node[E] | None" = None
    size: int = 0

    def first(self) -> E | None:
        """Return the smallest entry, None if there is none."""
        return None if self._root is None else self._root[1]

    def add(self, entry: E) -> "Agenda[E]":
        """Return an agenda with one entry more."""
        return Agenda(_merge(self._root, (1, entry, None, None)), self.size + 1)

    def rest(self) -> "Agenda[E]":
        """Return an agenda without the smallest entry."""
        if self._root is None:
            return self
        return Agenda(_merge(self._root[2], self._root[3]), self.size - 1)


def agenda_of(entries: Iterable[E]) -> Agenda[E]:
    """Build one from scratch."""
    agenda: Agenda[E] = Agenda()
    for entry in entries:
        agenda = agenda.add(entry)
    return agenda


def _merge(one: "_Node[E] | None", other: "_Node[E] | None") -> "_Node[E] | None":
    if one is None:
        return other
    if other is None:
        return one
    if other[1] < one[1]:
        one, other = other, one
    _, entry, left, right = one
    merged = _merge(right, other)
    if left is None:
        return (1, entry, merged, None)
    if merged is None or merged[0] <= left[0]:
        return (1 + (merged[0] if merged else 0), entry, left, merged)
    return (1 + left[0], entry, merged, left)
