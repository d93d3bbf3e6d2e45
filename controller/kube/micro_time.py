"""The API's MicroTime: a moment as Leases and Events have it."""

from datetime import UTC, datetime


def micro_time(wall: float) -> str:
    """RFC 3339 in microseconds, UTC."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
