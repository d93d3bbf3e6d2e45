"""A batch call to a plugin of any of the five kinds, with JSON values in and out: for callers that hold no messages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from time import time
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from controller.goplugin import Channel
from controller.kinds.pb import enrichment_pb2, formatter_pb2, matcher_pb2, rule_pb2, tuning_rule_pb2
from controller.kinds.pb.common_pb2 import Alert, Event
from controller.kinds.plugin import UnfitError

_SERVICES: dict[str, ServiceDescriptor] = {
    "rule": rule_pb2.DESCRIPTOR.services_by_name["Rule"],
    "matcher": matcher_pb2.DESCRIPTOR.services_by_name["Matcher"],
    "enrichment": enrichment_pb2.DESCRIPTOR.services_by_name["Enrichment"],
    "formatter": formatter_pb2.DESCRIPTOR.services_by_name["Formatter"],
    "tuning_rule": tuning_rule_pb2.DESCRIPTOR.services_by_name["TuningRule"],
}
KINDS = tuple(_SERVICES)
_JSON = "_json"  # how fields that carry JSON text end


@dataclass(frozen=True, slots=True)
class Batch:
    """One call, ready to be sent."""

    method: str
    request: Message
    answer: type[Message]
    size: int

    async def send(self, channel: Channel, seconds: float) -> list[dict[str, Any]]:
        """Return an object for each item: the fields of its answer, or `error` alone.

        Raises:
            CallError: the call failed.
            UnfitError: the answer cannot be read, or has another number of items.
        """
        call: Any = channel.unary_unary(self.method, request_serializer=type(self.request).SerializeToString)
        raw = await call(self.request, timeout=seconds)
        try:
            answer: Any = self.answer.FromString(raw)
        except DecodeError as error:
            raise UnfitError("it gave an answer that cannot be read") from error
        if len(answer.items) != self.size:
            raise UnfitError(f"it answered {len(answer.items)} items for {self.size}")
        return [_shown(item) for item in answer.items]


def batch(kind: str, values: Sequence[dict[str, Any]]) -> Batch:
    """Make the call of a kind.

    Rules and matchers take events. The others take alerts: an object with `event_json` is one, spelled as in
    common.proto; any other is an event, and an alert is made around it. `event_json` and `context_json` may be objects.

    Raises:
        UnfitError: there is no such kind, or a value is no alert; the text says which and why.
    """
    service = _SERVICES.get(kind)
    if service is None:
        raise UnfitError(f"there is no call for {kind!r}, only for {', '.join(KINDS)}")
    method = next(each for each in service.methods if each.name.endswith("Batch"))
    field = method.input_type.fields[0]
    make = _event if field.message_type is Event.DESCRIPTOR else _alert
    items = [make(value, number) for number, value in enumerate(values, 1)]
    request = GetMessageClass(method.input_type)(**{field.name: items})
    return Batch(f"/{service.full_name}/{method.name}", request, GetMessageClass(method.output_type), len(items))


def _event(value: dict[str, Any], _: int) -> Event:
    return Event(json=_text(value))


def _alert(value: dict[str, Any], number: int) -> Alert:
    if "event_json" not in value and "eventJson" not in value:
        now = int(time() * 1000)
        return Alert(
            id=f"call-{number}", title="call", events=1, created_unix_milliseconds=now, event_json=_text(value)
        )
    fields = {name: _text(each) if isinstance(each, dict) else each for name, each in value.items()}
    try:
        return ParseDict(fields, Alert())
    except ParseError as error:
        raise UnfitError(f"item {number} is no alert: {error}") from error


def _shown(item: Message) -> dict[str, Any]:
    fields = MessageToDict(item, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    if "error" in fields:
        return {"error": fields["error"]["message"]}
    return dict(_decoded(name, value) for name, value in fields.items() if value or not name.endswith(_JSON))


def _decoded(name: str, value: Any) -> tuple[str, Any]:
    if not name.endswith(_JSON):
        return name, value
    try:
        return name.removesuffix(_JSON), json.loads(value)
    except (ValueError, RecursionError):
        return name, value


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
