"""A map of many entries of which a step changes one: a copy shares all buckets but the one that changed.

A dict would be copied whole in each step, which at 2,000 plugins costs as much as the decision itself. It knows nothing
of what is kept in it, and has no order that means anything: sort where order matters.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

BUCKETS: Final = 64


class Table(Mapping[K, V], Generic[K, V]):
    """An immutable Mapping; `put` and `drop` return another one."""

    __slots__ = ("_buckets", "_count")

    def __init__(self, buckets: tuple[dict[K, V], ...] | None = None, count: int = 0) -> None:
        """Take over `buckets`, which nobody else may change; without them the table is empty."""
        self._buckets: tuple[dict[K, V], ...] = ({},) * BUCKETS if buckets is None else buckets
        self._count = count

    def __getitem__(self, key: K) -> V:
        """Return the value at `key`."""
        return self._buckets[hash(key) % BUCKETS][key]

    def find(self, key: K) -> V | None:
        """Return the value at `key`, None if there is none; `get` costs an exception for that."""
        return self._buckets[hash(key) % BUCKETS].get(key)

    def __iter__(self) -> Iterator[K]:
        """Yield the keys in no particular order."""
        for bucket in self._buckets:
            yield from bucket

    def __len__(self) -> int:
        """Count the entries."""
        return self._count

    def __repr__(self) -> str:
        """Show the entries, sorted, so that a failed assertion can be read."""
        return f"Table({dict(sorted(self.items(), key=repr))!r})"

    def put(self, key: K, value: V) -> "Table[K, V]":
        """Return a table with `value` at `key`."""
        number = hash(key) % BUCKETS
        bucket = self._buckets[number]
        return self._with(number, {**bucket, key: value}, self._count + (key not in bucket))

    def drop(self, key: K) -> "Table[K, V]":
        """Return a table without `key`, which may be missing."""
        number = hash(key) % BUCKETS
        bucket = self._buckets[number]
        if key not in bucket:
            return self
        rest = dict(bucket)
        del rest[key]
        return self._with(number, rest, self._count - 1)

    def _with(self, number: int, bucket: dict[K, V], count: int) -> "Table[K, V]":
        return Table((*self._buckets[:number], bucket, *self._buckets[number + 1 :]), count)
