"""A document cut to what the CRD's schema allows. Pure.

The API server refuses a whole document for one text that is too long, and would refuse it again for ever.
"""

from collections.abc import Hashable, Mapping
from typing import Any

CUT = "…"


def bounded(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return the value with texts and lists no longer than the schema says, and no two entries of one key.

    Fields that the schema does not know go: the API server would drop them, with a warning each time.
    """
    match value:
        case str():
            return _text(value, schema.get("maxLength"))
        case dict():
            fields = schema.get("properties", {})
            return {name: bounded(child, fields[name]) for name, child in value.items() if name in fields}
        case list():
            items = schema["items"]
            children = [bounded(child, items) for child in value[: schema.get("maxItems")]]
            return _once(children, schema.get("x-kubernetes-list-map-keys"))
        case _:
            return value


def shortened(text: str, limit: int) -> str:
    """Return the text, the end of it left out if it has more characters than `limit`."""
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT


def _text(text: str, limit: int | None) -> str:
    if not text.isascii():  # a file's name can be any bytes, and those that are no text cannot be sent
        text = text.encode("utf-8", "replace").decode()
    return text if limit is None else shortened(text, limit)


def _once(entries: list[Any], keys: list[str] | None) -> list[Any]:
    if keys is None:
        return entries
    found: dict[Hashable, Any] = {}
    for entry in entries:
        found.setdefault(tuple(entry[key] for key in keys), entry)
    return list(found.values())
