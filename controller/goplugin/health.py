"""The standard health service, with the status read: Go's host looks for an error only and lets NOT_SERVING pass."""

import grpc
import grpc.aio

from controller.goplugin.failures import HealthError
from controller.goplugin.pb.goplugin_pb2 import HealthCheckRequest, HealthCheckResponse
from controller.goplugin.transport import Channel

_CHECK = "/grpc.health.v1.Health/Check"
_SERVICE = "plugin"  # what go-plugin's server registers; others may know the whole server ("") only


class Health:
    """Health of one plugin over one channel."""

    def __init__(self, channel: Channel) -> None:
        """Take the channel."""
        self._check = channel.unary_unary(
            _CHECK,
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        self._request = HealthCheckRequest(service=_SERVICE)
        self.is_offered = True  # until the plugin says UNIMPLEMENTED

    async def check(self, limit: float) -> None:
        """Return if the plugin says SERVING within `limit` seconds, or has no health service; raises HealthError."""
        try:
            status = await self.ask(limit)
        except grpc.aio.AioRpcError as error:
            raise HealthError(_explain(error, limit)) from error
        if status is not None and status != HealthCheckResponse.SERVING:
            raise HealthError(f"health check says {HealthCheckResponse.ServingStatus.Name(status)}")

    async def ask(self, limit: float | None) -> HealthCheckResponse.ServingStatus.ValueType | None:
        """Return the status; None if the plugin has no health service. Raises AioRpcError."""
        try:
            return await self._ask(limit)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND or not self._request.service:
                raise
        self._request = HealthCheckRequest()
        return await self._ask(limit)

    async def _ask(self, limit: float | None) -> HealthCheckResponse.ServingStatus.ValueType | None:
        try:
            answer = await self._check(self._request, timeout=limit)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                raise
            self.is_offered = False
            return None
        return answer.status


def _explain(error: grpc.aio.AioRpcError, limit: float | None) -> str:
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"health check got no answer within {limit:g} s"
    return f"health check failed: {error.code().name} {error.details() or ''}".rstrip()
