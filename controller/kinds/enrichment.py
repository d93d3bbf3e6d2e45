"""The base class of enrichments: they add to the context of alerts."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from controller.kinds.alert import Alert, read_alert
from controller.kinds.pb import enrichment_pb2
from controller.kinds.plugin import Kind, Plugin, UnfitError, to_json


def _answer(given: Alert, found: object) -> enrichment_pb2.Enriched:
    if not isinstance(found, Mapping):
        raise UnfitError(f"enrich() gave {type(found).__name__}, not a dict")
    return enrichment_pb2.Enriched(context_json=to_json({**given.context, **found}, "the context"))


ENRICHMENT = Kind(
    "enrichment_v1", enrichment_pb2.DESCRIPTOR.services_by_name["Enrichment"], "enrich", read_alert, _answer
)


class Enrichment(Plugin):
    """Override `enrich`."""

    kind = ENRICHMENT

    depends_on: Sequence[str] = ()  # names of enrichments that go first

    def enrich(self, alert: Alert) -> Mapping[str, Any] | Awaitable[Mapping[str, Any]]:
        """Return what is put over the alert's context: new keys, and old ones with another value."""
        raise NotImplementedError
