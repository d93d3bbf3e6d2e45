"""What the adapters of the five bundled kinds have in common: Init, GetMetadata, and what may be in the answer."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import grpc.aio
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError

from controller.core.model import Reported
from controller.goplugin import CallError, Channel
from controller.kinds import Kind
from controller.kinds.pb.common_pb2 import GetMetadataRequest, InitRequest, PingRequest, ShutdownRequest
from controller.manager.adapter import AdapterError, Dispensed, Plugin, PluginAdapter

INIT_SECONDS = 10.0
METADATA_SECONDS = 5.0
LONGEST_NAME = 253
MOST_METADATA = 64 * 1024  # bytes: they travel in each message to each host


class Lifecycle:
    """The kind's own Ping and Shutdown; whoever calls them bounds them in time."""

    def __init__(self, stub: Any) -> None:
        """Take any kind's stub."""
        self._stub = stub

    async def ping(self) -> None:
        """Return if the plugin answers; raises AdapterError."""
        await call(self._stub, "Ping", PingRequest())

    async def shutdown(self) -> None:
        """Return once the plugin has finished; raises AdapterError."""
        await call(self._stub, "Shutdown", ShutdownRequest())


class BundledAdapter(PluginAdapter[Any]):
    """Base of the five. The item is the kind's generated stub."""

    kind: ClassVar[Kind]
    stub: ClassVar[Any]
    concurrency = 1

    def connect(self, channel: Channel) -> Any:
        """Make the stub."""
        return type(self).stub(_Tolerant(channel))

    async def handshake(self, stub: Any, plugin: Plugin) -> Dispensed[Any]:
        """Call Init, and GetMetadata unless the plugin's metadata lie beside its file."""
        await call(stub, "Init", InitRequest(), INIT_SECONDS)
        if plugin.metadata:
            reported = self.beside(plugin.metadata)
        else:
            reported = _told(await call(stub, "GetMetadata", GetMetadataRequest(), METADATA_SECONDS))
        return Dispensed(stub, reported, Lifecycle(stub))

    def beside(self, metadata: Mapping[str, Any]) -> Reported:
        """What hosts are to know of a plugin from what `sidecar` read, in the words of GetMetadata's answer."""
        raise NotImplementedError


async def call(stub: Any, method: str, request: object, seconds: float | None = None) -> Any:
    """Make one call.

    Raises:
        AdapterError: it failed; one line that says how.
    """
    try:
        answer = await getattr(stub, method)(request, timeout=seconds)
    except CallError as error:
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED and seconds is not None:
            raise AdapterError(f"{method}: no answer within {seconds:g} s") from error
        raise AdapterError(f"{method}: {error.code().name} {_one_line(error.details() or '')}".rstrip()) from error
    except grpc.aio.UsageError as error:
        raise AdapterError(f"{method}: {error}") from error
    if answer is None:
        raise AdapterError(f"{method}: an answer that cannot be read")
    return answer


def reported(message: Any, **more: Any) -> Reported:
    """A kind's metadata as hosts get them: every field, so that readers need not know the protos' defaults."""
    metadata = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    display_name = message.identity.display_name or message.identity.name
    return Reported(message.identity.id, display_name, json.dumps(metadata | more))


def _told(message: Any) -> Reported:
    """What GetMetadata said, if it can be taken."""
    for field in ("id", "name"):
        _check(field, getattr(message.identity, field))
    told = reported(message)
    if len(told.metadata) > MOST_METADATA:  # all of it ASCII
        raise AdapterError(f"GetMetadata: {len(told.metadata)} bytes as JSON, and at most {MOST_METADATA} are taken")
    return told


def _check(field: str, value: str) -> None:
    if not value:
        raise AdapterError(f"GetMetadata: identity.{field} is empty")
    if len(value) > LONGEST_NAME or not value.isprintable():
        shown = ascii(value[:50])
        raise AdapterError(f"GetMetadata: identity.{field} {shown}: {LONGEST_NAME} printable characters at most")


def _one_line(text: str) -> str:
    return " ".join(text.split())


class _Tolerant:
    """A channel whose answers are None where they cannot be read; gRPC would log a traceback for each."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def unary_unary(self, method: str, request_serializer: Any, response_deserializer: Any, **more: Any) -> Any:
        def read(raw: bytes) -> Any:
            try:
                return response_deserializer(raw)
            except DecodeError:
                return None

        return self._channel.unary_unary(method, request_serializer, read, **more)
