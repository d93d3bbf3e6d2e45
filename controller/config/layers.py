"""Where a plugin's field comes from: the first layer that gives it. Leaf by leaf; a list is one leaf."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from controller.core.model import Problem

Fields: TypeAlias = Mapping[str, Any]  # of a plugin, as the document spells them


@dataclass(frozen=True, slots=True)
class Place:
    """Where a kind's plugins lie, an absolute path, and who knows them."""

    kind: str
    directory: str
    adapter: str


@dataclass(frozen=True, slots=True)
class Hint:
    """What a plugin's adapter, and the YAML beside its binary, say of it.

    `fields` are the lowest layer. The rest no document can say: `metadata` is JSON and a part of the launch; `problem`
    is why the newest YAML is not in force; `refused` why none is, so that no version may start.
    """

    fields: Fields = field(default_factory=lambda: MappingProxyType({}))
    metadata: str = ""
    problem: Problem | None = None
    refused: str = ""


Hints: TypeAlias = Mapping[tuple[str, str], Hint]  # by kind and name
NO_HINTS: Hints = MappingProxyType({})


def over(upper: Fields, lower: Fields) -> Fields:
    """`upper`, and what it does not say from `lower`. Neither is changed; parts that are whole are shared."""
    if not upper or not lower:
        return upper or lower
    merged = dict(lower)
    for name, value in upper.items():
        below = lower.get(name)
        merged[name] = over(value, below) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged
