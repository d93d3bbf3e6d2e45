"""Times for people: how long ago, how soon. The documents carry RFC 3339."""

from datetime import UTC, datetime

STEPS = ((86400, "d"), (3600, "h"), (60, "m"))
PRECISE_BELOW = 10  # of a larger unit, the next smaller one is not worth a column


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def duration(seconds: float) -> str:
    """`42s`, `3m20s`, `12m`, `2h5m`, `30d`."""
    left = max(0, round(seconds))
    for index, (size, unit) in enumerate(STEPS):
        if left >= size:
            count, rest = divmod(left, size)
            smaller, small = STEPS[index + 1] if index + 1 < len(STEPS) else (1, "s")
            tail = f"{rest // smaller}{small}" if count < PRECISE_BELOW and rest >= smaller else ""
            return f"{count}{unit}{tail}"
    return f"{left}s"


def ago(time: str | None, at: datetime) -> str:
    """`3s ago`; empty for no time."""
    return f"{duration((at - _read(time)).total_seconds())} ago" if time else ""


def until(time: str | None, at: datetime) -> str:
    """`in 12s`, `now` once it is due; empty for no time."""
    if not time:
        return ""
    seconds = (_read(time) - at).total_seconds()
    return f"in {duration(seconds)}" if seconds > 0 else "now"


def since(time: str | None, at: datetime) -> str:
    """How long it has been so: `3m20s`; empty for no time."""
    return duration((at - _read(time)).total_seconds()) if time else ""


def clock(time: str | float) -> str:
    """The reader's own date and time of day, as exact as it is given; takes seconds since the epoch as well."""
    moment = _read(time) if isinstance(time, str) else datetime.fromtimestamp(time, UTC)
    is_whole = isinstance(time, str) and not moment.microsecond
    return moment.astimezone().isoformat(sep=" ", timespec="seconds" if is_whole else "milliseconds")


def _read(time: str) -> datetime:
    moment = datetime.fromisoformat(time)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
