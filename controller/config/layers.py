"""Where a plugin's field comes from: the first layer that gives it. Leaf by leaf; a list is one leaf."""

from collections.abc import Mapping
from typing import Any

Fields = Mapping[str, Any]  # of a plugin, as the document spells them


def over(upper: Fields, lower: Fields) -> Fields:
    """`upper`, and what it does not say from `lower`. Neither is changed; parts that are whole are shared."""
    if not upper or not lower:
        return upper or lower
    merged = dict(lower)
    for name, value in upper.items():
        below = lower.get(name)
        merged[name] = over(value, below) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged
