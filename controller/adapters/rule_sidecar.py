"""The YAML beside a rule's binary: the fields that blink's pluginmgr knows, checked, with defaults.

Words and places of errors are those of a PluginConfig, for the same code reads and checks it. No I/O.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import jsonschema_rs

from controller.config.findings import SHOWN, DocumentError, Finding, in_order, name_of
from controller.config.schema import Schema
from controller.config.text import read
from controller.config.tree import Tree
from controller.config.words import Complaint, complaints, shown
from controller.manager.adapter import AdapterError, Metadata

_TEXT = {"type": "string", "maxLength": 65536}
_NAME = {"type": "string", "minLength": 1, "maxLength": 253}
_NAMES = {"type": "array", "items": _NAME, "maxItems": 1024}
_TEXTS = {"type": "array", "items": _TEXT, "maxItems": 1024}
_FLAG = {"type": "boolean"}
_OBSERVABLE = {
    "type": "object",
    "properties": {"name": _NAME, "description": _TEXT, "aggregation": _TEXT},
    "required": ["name"],
    "additionalProperties": False,
}
SEVERITIES = ("info", "low", "medium", "high", "critical")
CONFIDENCES = ("very_low", "low", "medium", "high", "very_high")
FIELDS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        # identity
        "id": _NAME,
        "name": _NAME,
        "display_name": _TEXT,
        "description": _TEXT,
        "enabled": _FLAG,
        "version": _TEXT,
        "file_name": _NAME,
        "checksum": _TEXT,
        # scoring
        "severity": {"type": "string", "enum": [*SEVERITIES, ""]},
        "confidence": {"type": "string", "enum": [*CONFIDENCES, ""]},
        "signal": _FLAG,
        "signal_threshold": {"type": "number", "minimum": 0},
        # routing
        "log_types": _NAMES,
        "matchers": _NAMES,
        "req_subkeys": _NAMES,
        # merging
        "merge_by_keys": _NAMES,
        "merge_window_mins": {"type": "integer", "minimum": 0, "maximum": 525600},
        # labels
        "tags": _TEXTS,
        "references": _TEXTS,
        "observables": {"type": "array", "items": _OBSERVABLE, "maxItems": 1024},
        # stages
        "dispatchers": _NAMES,
        "formatters": _NAMES,
        "enrichments": _NAMES,
        "tuning_rules": _NAMES,
        # rollout
        "kill_switch": _FLAG,
        "mode": _TEXT,
        "rollout_pct": {},
        "min_procs": {"type": "integer", "minimum": 0, "maximum": 256},
        "max_procs": {"type": "integer", "minimum": 0, "maximum": 256},
    }
)
DEFAULTS: Mapping[str, Any] = MappingProxyType({"enabled": False, "kill_switch": False, "mode": "blue-green"})
NO_EFFECT: Mapping[str, str] = MappingProxyType(
    {
        "file_name": "has no effect: the YAML belongs to the binary of the same name",
        "checksum": "has no effect: to pin the binary's bytes, give sha256 in the PluginConfig",
    }
)
NO_ROLLOUT = "this version has no canary and no shadow"


def parse(text: str) -> Metadata:
    """The fields of the file with the defaults filled in, and `enabled` false where `kill_switch` is true.

    Raises:
        AdapterError: it cannot be used; the text names lines and fields.
    """
    try:
        tree = read(text, "")
        data, found = _examine(text, tree)
        if not found and not tree.mistakes:
            return _metadata(data, ())
        tree = read(text, "", positions=True)
    except DocumentError as error:
        raise AdapterError(_summary(error.findings)) from error
    mistakes = [Finding("", message, name_of(path, data), at) for message, path, at in tree.mistakes]
    errors = [_finding(each, data, tree) for each in found if not each.unknown]
    if mistakes or errors:
        raise AdapterError(_summary(in_order(mistakes + errors)))
    return _metadata(data, map(_line, in_order(_finding(each, data, tree) for each in found)))


def _metadata(data: Mapping[str, Any], warnings: Iterable[str]) -> Metadata:
    fields = {**DEFAULTS, **{name: value for name, value in data.items() if name not in NO_EFFECT}}
    return Metadata(fields | {"enabled": fields["enabled"] and not fields["kill_switch"]}, warnings)


def _examine(text: str, tree: Tree) -> tuple[dict[str, Any], list[Complaint]]:
    """The fields without those that hold nothing, and all that is to be said of them."""
    if not isinstance(tree.data, dict):
        return {}, [Complaint((), f"must be a mapping (name: ...); it is {shown(tree.data)}")]
    data = tree.data
    if any(not each.unknown for each in complaints(_schema(), _without_nulls(data))):
        data = _as_texts(data, read(text, "", words=str).data, _schema().json)
    data = _without_nulls(data)
    without = [Complaint((name,), message, unknown=True) for name, message in NO_EFFECT.items() if name in data]
    return data, [*complaints(_schema(), data), *_rollout(data), *without]


def _rollout(data: Mapping[str, Any]) -> Iterable[Complaint]:
    mode = data.get("mode", "blue-green")
    if mode in ("canary", "shadow"):
        yield Complaint(("mode",), f"{NO_ROLLOUT}; leave it out, or say blue-green")
    elif isinstance(mode, str) and mode != "blue-green":
        yield Complaint(("mode",), f"must be blue-green; it is {shown(mode)}")
    if "rollout_pct" in data:
        yield Complaint(("rollout_pct",), f"{NO_ROLLOUT}; leave it out")


def _as_texts(data: Any, words: Any, schema: Mapping[str, Any]) -> Any:
    """The data with the words as they were written wherever text is due: `version: 1.0` needs no quotes."""
    if isinstance(data, dict):
        fields = schema.get("properties", {})
        return {name: _as_texts(value, words[name], fields.get(name, {})) for name, value in data.items()}
    if isinstance(data, list):
        return [_as_texts(value, word, schema.get("items", {})) for value, word in zip(data, words, strict=True)]
    return words if schema.get("type") == "string" and data is not None else data


def _without_nulls(data: Any) -> Any:
    """A field with nothing behind it counts as left out."""
    if isinstance(data, dict):
        return {name: _without_nulls(value) for name, value in data.items() if value is not None}
    return [_without_nulls(item) for item in data] if isinstance(data, list) else data


def _finding(complaint: Complaint, data: Any, tree: Tree) -> Finding:
    return Finding("", complaint.message, name_of(complaint.path, data), tree.position(complaint.path))


def _summary(findings: tuple[Finding, ...]) -> str:
    lines = "; ".join(map(_line, findings[:SHOWN]))
    return f"{lines}; and {len(findings) - SHOWN} more" if len(findings) > SHOWN else lines


def _line(finding: Finding) -> str:
    place = f"line {finding.position.line}" if finding.position else ""
    return ": ".join(part for part in (place, finding.field, finding.message) if part)


@cache
def _schema() -> Schema:
    json = {"type": "object", "properties": dict(FIELDS), "required": ["name"], "additionalProperties": False}
    return Schema(json, jsonschema_rs.Draft202012Validator(json))
