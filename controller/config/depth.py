"""How deep data is nested. A text that is too deep is no tree; an object is looked at before anything walks down it.

The API server stores a `config` of any depth, and what walks down it by recursion would end the process.
"""

from collections.abc import Iterable
from typing import Any

from controller.config.findings import Path
from controller.config.tree import MAX_DEPTH


def too_deep(data: Any) -> Path | None:
    """The field with more than MAX_DEPTH levels in all, if there is one; of a `config`, the field itself."""
    level = [data]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for _, child in _items(node) if isinstance(child, dict | list)]
        if not level:
            return None
    path = _way_down(data, MAX_DEPTH) or ()
    return path[: path.index("config") + 1] if "config" in path else path[:1]


def _way_down(data: Any, levels: int) -> Path | None:
    if not isinstance(data, dict | list):
        return None
    if levels == 0:
        return ()
    for step, child in _items(data):
        below = _way_down(child, levels - 1)
        if below is not None:
            return (step, *below)
    return None


def _items(node: Any) -> Iterable[tuple[str | int, Any]]:
    return node.items() if isinstance(node, dict) else enumerate(node)
