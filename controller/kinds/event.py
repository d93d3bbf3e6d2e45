"""An event as rules and matchers see it: the JSON object that it is."""

from collections.abc import Iterable, Mapping
from typing import Any

from controller.kinds.pb import common_pb2
from controller.kinds.plugin import read_json


def read_event(message: common_pb2.Event) -> dict[str, Any]:
    """Take the event off the wire.

    Raises:
        UnfitError: it is no JSON object.
    """
    return read_json(message.json, "event")


def has_all(event: Mapping[str, Any], paths: Iterable[str]) -> bool:
    """Tell whether the event has a value at each of the dotted paths; null is one."""
    return all(_has(event, path) for path in paths)


def _has(event: Mapping[str, Any], path: str) -> bool:
    at: Any = event
    for key in path.split("."):
        if not isinstance(at, Mapping) or key not in at:
            return False
        at = at[key]
    return True
