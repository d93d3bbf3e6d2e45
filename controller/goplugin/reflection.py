"""Server reflection: the names of the services that a plugin offers, and nothing more of it."""

import grpc
import grpc.aio

from controller.goplugin.decode import reading
from controller.goplugin.pb.goplugin_pb2 import ReflectionRequest, ReflectionResponse
from controller.goplugin.transport import Channel

_METHODS = (
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",  # the same messages
)


async def list_services(channel: Channel, limit: float) -> tuple[str, ...] | None:
    """Return the full names of the services, sorted; None if the plugin does not offer reflection."""
    for method in _METHODS:
        services = await _list(channel, method, limit)
        if services is not None:
            return services
    return None


async def _list(channel: Channel, method: str, limit: float) -> tuple[str, ...] | None:
    # A stream of requests in the protocol; one request and its end look the same on the wire, and gRPC sends them at
    # once. Written as a stream, a plugin that refuses first turns the write into an error of its own.
    call = channel.unary_stream(
        method,
        request_serializer=ReflectionRequest.SerializeToString,
        response_deserializer=reading(ReflectionResponse),
    )(ReflectionRequest(list_services="*"), timeout=limit)
    try:
        async for answer in call:
            if answer is not None and answer.HasField("list_services_response"):
                return tuple(sorted(service.name for service in answer.list_services_response.service))
            break
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
            raise
    finally:
        call.cancel()
    return None
