"""Who of several aggregators writes: what a Lease says, and what to do about it.

Pure. Time is our own monotonic clock and nothing else: the times that stand in a Lease are another machine's, and are
only compared with what stood there before. A lease is over when it has not been seen to change for its duration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

DURATION: Final = 15.0  # seconds from a renewal until others may take over
RENEW: Final = 4.0  # seconds between renewals
STOP: Final = 10.0  # seconds after which a holder that cannot renew stops; the rest is for what is under way
WRITE: Final = 4.0  # seconds for what is under way: less than is left after STOP
RETRY: Final = 2.0  # seconds between the looks of those who wait


class Move(StrEnum):
    """What to do next."""

    WAIT = "Wait"
    RENEW = "Renew"
    TAKE = "Take"


@dataclass(frozen=True, slots=True)
class Held:
    """What a Lease says. `renewed` is text that is compared, never read."""

    holder: str
    renewed: str
    duration: float
    transitions: int
    resource_version: str


@dataclass(frozen=True, slots=True)
class Watched:
    """The lease as last seen, and when it was first seen so."""

    held: Held
    since: float


def held(document: Mapping[str, Any]) -> Held:
    """Return what counts of a Lease."""
    spec = document.get("spec") or {}
    return Held(
        holder=spec.get("holderIdentity") or "",
        renewed=spec.get("renewTime") or "",
        duration=float(spec.get("leaseDurationSeconds") or DURATION),
        transitions=spec.get("leaseTransitions") or 0,
        resource_version=document["metadata"]["resourceVersion"],
    )


def seen(before: Watched | None, now_held: Held, now: float) -> Watched:
    """Return what is known after a look: the same lease goes on ageing, another begins to."""
    if before is not None and _is_same(before.held, now_held):
        return replace(before, held=now_held)
    return Watched(now_held, now)


def move(watched: Watched, me: str, now: float) -> Move:
    """Return what to do about the lease."""
    if watched.held.holder == me:
        return Move.RENEW
    if not watched.held.holder or now - watched.since > watched.held.duration:
        return Move.TAKE
    return Move.WAIT


def taken(me: str, before: Held | None, wall: str) -> dict[str, Any]:
    """Return the part of a Lease that says that `me` holds it from now on; `wall` is the time, for people."""
    times = {"renewTime": wall}
    if before is None or before.holder != me:
        times["acquireTime"] = wall
    transitions = 0 if before is None else before.transitions + (before.holder != me)
    spec = {"holderIdentity": me, "leaseDurationSeconds": int(DURATION), "leaseTransitions": transitions, **times}
    return {"metadata": _version(before), "spec": spec}


def released(before: Held, wall: str) -> dict[str, Any]:
    """Return the part of a Lease that says that nobody holds it."""
    return {"metadata": _version(before), "spec": {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": wall}}


def _version(before: Held | None) -> dict[str, Any]:
    """What makes the API server refuse the change if somebody else was faster."""
    return {} if before is None else {"resourceVersion": before.resource_version}


def _is_same(one: Held, other: Held) -> bool:
    return (one.holder, one.renewed, one.transitions) == (other.holder, other.renewed, other.transitions)
