"""An adapter for the kind `greeter`: `adapter: greeter` in a PluginConfig, and no `handshake` is needed there.

It makes what hosts call out of a channel, and lets a worker serve only if it can greet.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.wrappers_pb2 import StringValue

from controller import AdapterError, Dispensed, Plugin, PluginAdapter, Reported

Greet = Callable[..., Awaitable[StringValue]]


class GreeterAdapter(PluginAdapter[Greet]):
    """The item is the one call that a greeter has."""

    plugin_key = "greeter"
    cookie_key = "GREETER_PLUGIN"
    magic_value = "good morning"

    def connect(self, channel: Any) -> Greet:
        """Bind the call; a stub of generated code would do the same."""
        greet: Greet = channel.unary_unary(
            "/greeter.v1.Greeter/Greet",
            request_serializer=StringValue.SerializeToString,
            response_deserializer=StringValue.FromString,
        )
        return greet

    async def handshake(self, stub: Greet, plugin: Plugin) -> Dispensed[Greet]:
        """Have it say something, which is its name for people."""
        answer = await stub(StringValue(value="pluginmgr"), timeout=5)
        if not answer.value:
            raise AdapterError("Greet: an empty greeting")
        return Dispensed(item=stub, reported=Reported(id=plugin.name, display_name=answer.value))
