"""What hosts call, by the service's name."""

from collections.abc import Mapping
from types import MappingProxyType

from controller.kinds.pb.enrichment_pb2_grpc import EnrichmentStub
from controller.kinds.pb.formatter_pb2_grpc import FormatterStub
from controller.kinds.pb.matcher_pb2_grpc import MatcherStub
from controller.kinds.pb.rule_pb2_grpc import RuleStub
from controller.kinds.pb.tuning_rule_pb2_grpc import TuningRuleStub

STUBS: Mapping[str, type] = MappingProxyType(
    {
        "Rule": RuleStub,
        "Matcher": MatcherStub,
        "Enrichment": EnrichmentStub,
        "Formatter": FormatterStub,
        "TuningRule": TuningRuleStub,
    }
)
