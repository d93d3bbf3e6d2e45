"""The base class of matchers: they say which events rules get to see."""

from collections.abc import Awaitable
from typing import Any

from controller.kinds.event import read_event
from controller.kinds.pb import matcher_pb2
from controller.kinds.plugin import Kind, Plugin, to_bool


def _answer(_event: object, found: object) -> matcher_pb2.Match:
    return matcher_pb2.Match(matched=to_bool(found, "match"))


MATCHER = Kind("matcher_v1", matcher_pb2.DESCRIPTOR.services_by_name["Matcher"], "match", read_event, _answer)


class Matcher(Plugin):
    """Override `match`."""

    kind = MATCHER

    is_global: bool = False  # for every rule, not only those that name it

    def match(self, event: dict[str, Any]) -> bool | Awaitable[bool]:
        """Say whether the event passes."""
        raise NotImplementedError
