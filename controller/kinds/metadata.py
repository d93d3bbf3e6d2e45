"""What a plugin says of itself, from its attributes: each field of its kind's metadata is one attribute."""

from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from controller.kinds.pb.common_pb2 import Identity
from controller.kinds.plugin import Plugin, UnfitError

_OTHERWISE_NAMED = {"global": "is_global"}  # a word of Python


def metadata_of(plugin: Plugin) -> Message:
    """Return the metadata message.

    Raises:
        UnfitError: an attribute is of another type; the text names it.
    """
    made = GetMessageClass(plugin.kind.service.methods_by_name["GetMetadata"].output_type)()
    for field in made.DESCRIPTOR.fields:
        if field.message_type is None:
            _set(made, field, plugin)
    identity = Identity(id=plugin.id or plugin.name)
    for field in identity.DESCRIPTOR.fields:
        if field.name != "id":
            _set(identity, field, plugin)
    made.MergeFrom(type(made)(identity=identity))
    return made


def _set(message: Message, field: Any, plugin: Plugin) -> None:
    name = _OTHERWISE_NAMED.get(field.name, field.name)
    value = getattr(plugin, name)
    if field.is_repeated and isinstance(value, str):
        raise UnfitError(f"{type(plugin).__name__}.{name} = {value!r}: a string where a tuple of them belongs")
    try:
        message.MergeFrom(type(message)(**{field.name: value}))
    except (TypeError, ValueError) as error:
        raise UnfitError(f"{type(plugin).__name__}.{name} = {value!r}: {error}") from error
