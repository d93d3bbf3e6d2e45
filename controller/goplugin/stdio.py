"""The stdio service: what a Go plugin prints after the handshake, when its stdout and stderr are no longer the pipes.

Opened at once and once in a plugin's life: unread it blocks the plugin's prints, and a second stream steals from the
first.
"""

import asyncio

import grpc
import grpc.aio

from controller.goplugin.decode import reading
from controller.goplugin.logs import LineFlow, Sink, Stream
from controller.goplugin.pb.goplugin_pb2 import Empty, StdioData
from controller.goplugin.transport import Channel

_STREAM = "/plugin.GRPCStdio/StreamStdio"
_NOT_SUPPORTED = (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.UNAVAILABLE)
_REST = 0.005  # seconds; holds a plugin that prints faster than it may


async def follow(channel: Channel, sink: Sink) -> None:
    """Hand what the plugin prints to `sink` until the stream ends, whatever ends it."""
    flows = {
        StdioData.STDOUT: LineFlow(sink, Stream.SYNCED_STDOUT),
        StdioData.STDERR: LineFlow(sink, Stream.SYNCED_STDERR),
    }
    call = channel.unary_stream(
        _STREAM, request_serializer=Empty.SerializeToString, response_deserializer=reading(StdioData)
    )(Empty())
    try:
        async for data in call:
            # What is nobody's is held as a flood is: it costs this process, and no rate counts it.
            if data is None or data.channel not in flows or flows[data.channel].feed(data.data):
                await asyncio.sleep(_REST)
    except grpc.aio.AioRpcError as error:
        if error.code() not in _NOT_SUPPORTED:
            sink.remark("debug", f"the stdio stream ended: {error.code().name} {error.details() or ''}".rstrip())
    finally:
        for flow in flows.values():
            flow.end()
