"""The adapter for enrichments."""

from controller.adapters.bundled import BundledAdapter
from controller.kinds import Enrichment
from controller.kinds.pb.enrichment_pb2_grpc import EnrichmentStub


class EnrichmentAdapter(BundledAdapter):
    """Gives hosts a `EnrichmentStub`."""

    kind = Enrichment.kind
    stub = EnrichmentStub
    plugin_key = "enrichment"
    magic_value = kind.cookie_value
