"""The base class of formatters: they turn alerts into what is delivered."""

from collections.abc import Awaitable, Mapping
from typing import Any

from controller.kinds.alert import Alert, read_alert
from controller.kinds.pb import formatter_pb2
from controller.kinds.plugin import Kind, Plugin, to_json


def _answer(_alert: object, found: object) -> formatter_pb2.Formatted:
    return formatter_pb2.Formatted(result_json=to_json(found, "what format() gave"))


FORMATTER = Kind("formatter_v1", formatter_pb2.DESCRIPTOR.services_by_name["Formatter"], "format", read_alert, _answer)


class Formatter(Plugin):
    """Override `format`."""

    kind = FORMATTER

    def format(self, alert: Alert) -> Mapping[str, Any] | Awaitable[Mapping[str, Any]]:
        """Return what is delivered for the alert."""
        raise NotImplementedError
