"""What Kubernetes wants of an object's `metadata`, as a JSON Schema: the CRD says no more of it than the name's bounds.

Only the parts that people write are looked into; of the rest, which the API server writes, the type is enough.
"""

from collections.abc import Mapping
from typing import Any

LABEL = "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"
_KEY = (
    "^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
)
_TEXT = {"type": "string"}
_NAME = {"type": "string", "minLength": 1}


def metadata(own: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object's metadata; `own` is what its CRD says of it."""
    texts = ("name", "generateName", "namespace", "uid", "resourceVersion", "selfLink", "creationTimestamp")
    properties = dict.fromkeys((*texts, "deletionTimestamp"), _TEXT)
    properties |= {name: {"type": "integer"} for name in ("generation", "deletionGracePeriodSeconds")}
    others = {
        "labels": _map_of({"type": "string", "maxLength": 63, "pattern": LABEL}),
        "annotations": _map_of(_TEXT),
        "finalizers": {"type": "array", "items": _TEXT},
        "managedFields": {"type": "array", "items": {"type": "object"}},
        "ownerReferences": {"type": "array", "items": _owner()},
    }
    return {
        "type": "object",
        "properties": properties | others | own.get("properties", {}),
        "additionalProperties": False,
    }


def _map_of(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "patternProperties": {_KEY: values}, "additionalProperties": False}


def _owner() -> dict[str, Any]:
    needed = ("apiVersion", "kind", "name", "uid")
    flags = {name: {"type": "boolean"} for name in ("controller", "blockOwnerDeletion")}
    properties = dict.fromkeys(needed, _NAME) | flags
    return {"type": "object", "required": [*needed], "properties": properties, "additionalProperties": False}
