"""Server reflection: the names of the services that a plugin offers, and nothing more of it."""

from collections.abc import AsyncIterator

import grpc
import grpc.aio

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
    call = channel.stream_stream(
        method,
        request_serializer=ReflectionRequest.SerializeToString,
        response_deserializer=ReflectionResponse.FromString,
    )(_question(), timeout=limit)
    try:
        async for answer in call:
            if answer.HasField("list_services_response"):
                return tuple(sorted(service.name for service in answer.list_services_response.service))
            break
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
            raise
    finally:
        call.cancel()
    return None


async def _question() -> AsyncIterator[ReflectionRequest]:
    yield ReflectionRequest(list_services="*")
