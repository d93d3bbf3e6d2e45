"""What is learnt of the config object and of the way to it: plain values, handed from kopf's thread to the loop."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Seen:
    """The object as it is now."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such object: that of this uid was deleted, or, without a uid, a list came with none at all."""

    uid: str = ""


@dataclass(frozen=True, slots=True)
class NotServed:
    """The API server does not know the kind: its definition is not installed."""


@dataclass(frozen=True, slots=True)
class Followed:
    """The API server has begun to tell of every change."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The API server refuses, or cannot be reached."""

    why: str


Note = Seen | Gone | NotServed | Followed | Failed
