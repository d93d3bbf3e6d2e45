"""What plugins of all five kinds have in common: what they say of themselves, and the hooks of their life."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message

COOKIE_KEY = "BLINK_PLUGIN"
PROTOCOL_VERSION = 1

Done: TypeAlias = Awaitable[None] | None
"""What a hook that has nothing to say returns: hooks may be coroutine functions."""


class UnfitError(Exception):
    """An item, or what a hook gave for it, that cannot be used; the text says so in full."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind as the wire knows it. Each of its batch's items is worked on by itself."""

    cookie_value: str
    service: ServiceDescriptor
    hook: str  # the method of a plugin that works on one item
    read: Callable[[Any], Any]  # from the item's message to the hook's argument
    answer: Callable[[Any, Any], Message]  # from that argument and what the hook gave to the answer's message
    is_wanted: Callable[[Any, Any], bool] = lambda _plugin, _argument: True


class Plugin:
    """Base of `Rule`, `Matcher`, `Enrichment`, `Formatter` and `TuningRule`.

    A plugin sets attributes, of the class or of itself, and overrides hooks. Plain hooks run in one thread, one at a
    time, so they may block and need no locks; only a plain `ping` runs beside them. Hooks that are coroutine functions
    share the loop that answers the host, and must not block it.
    """

    kind: ClassVar[Kind]

    id: str = ""  # unique among the plugins of the kind; `name` where it is empty
    name: str = ""
    display_name: str = ""  # for people; `name` where it is empty
    description: str = ""
    version: str = ""
    enabled: bool = True  # False: hosts skip it, though it runs
    config: Mapping[str, Any] = MappingProxyType({})  # `config` of the PluginConfig; there before `init`

    def init(self) -> Done:
        """Get ready: called once, before all else. What it raises fails the start."""
        return None

    def ping(self) -> Done:
        """Return if all is well, within a second."""
        return None

    def shutdown(self) -> Done:
        """Finish: called once, when no call comes any more."""
        return None


def read_json(text: str, what: str) -> dict[str, Any]:
    """Return the object that the text is.

    Raises:
        UnfitError: it is none.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnfitError(f"the {what} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise UnfitError(f"the {what} is no JSON object")
    return value


def to_json(value: object, what: str) -> str:
    """Return an object as text.

    Raises:
        UnfitError: it is no object, or has something that JSON has not.
    """
    if not isinstance(value, Mapping):
        raise UnfitError(f"{what} is {type(value).__name__}, not a dict")
    try:
        return json.dumps(dict(value), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnfitError(f"{what} is no JSON: {error}") from error


def to_bool(value: object, hook: str) -> bool:
    """Return the bool that a hook gave.

    Raises:
        UnfitError: it gave something else; forgetting `return` is the usual way.
    """
    if not isinstance(value, bool):
        raise UnfitError(f"{hook}() gave {type(value).__name__}, not a bool")
    return value
