"""The adapter for matchers."""

from controller.adapters.bundled import BundledAdapter
from controller.kinds import Matcher
from controller.kinds.pb.matcher_pb2_grpc import MatcherStub


class MatcherAdapter(BundledAdapter):
    """Gives hosts a `MatcherStub`."""

    kind = Matcher.kind
    stub = MatcherStub
    plugin_key = "matcher"
    magic_value = kind.cookie_value
