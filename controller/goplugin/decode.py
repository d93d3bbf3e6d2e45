"""Messages of a plugin that may be no messages: gRPC would log a traceback for each, and hand on None."""

from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

M = TypeVar("M", bound=Message)


def reading(kind: type[M]) -> Callable[[bytes], M | None]:
    """Return a deserializer that gives None for what cannot be read."""

    def read(raw: bytes) -> M | None:
        try:
            return kind.FromString(raw)
        except DecodeError:
            return None

    return read
