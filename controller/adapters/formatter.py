"""The adapter for formatters."""

from controller.adapters.bundled import BundledAdapter
from controller.kinds import Formatter
from controller.kinds.pb.formatter_pb2_grpc import FormatterStub


class FormatterAdapter(BundledAdapter):
    """Gives hosts a `FormatterStub`."""

    kind = Formatter.kind
    stub = FormatterStub
    plugin_key = "formatter"
    magic_value = kind.cookie_value
