"""The schema's complaints in words for people: no `additionalProperties`, no regular expressions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from jsonschema_rs import ValidationError

from controller.config.findings import LONGEST, Path
from controller.config.metadata import LABEL
from controller.config.schema import Schema

NOT_YET = frozenset({"autoMTLS", "multiplex"})  # names reserved for the protocol's second part
NOT_AVAILABLE = "not available yet; leave it out"

NO_KEY = "is no key that Kubernetes takes: at most 63 letters, digits and '-_.', after a domain and '/' or without"
# Every pattern of the CRDs; a test holds the list complete.
PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$": "lower-case letters, digits and '-', with a letter or digit at both ends",
        "^[a-z0-9]([-_a-z0-9]*[a-z0-9])?$": (
            "lower-case letters, digits, '-' and '_', with a letter or digit at both ends"
        ),
        "^[A-Za-z_][A-Za-z0-9_]*$": "letters, digits and '_', not beginning with a digit",
        "^[A-Za-z0-9][A-Za-z0-9._-]*$": "a file name of letters, digits and '._-', beginning with a letter or digit",
        "^([.]|[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*)$": "a directory within the plugin volume:"
        " relative, such as rules or deep/rules, its names made of letters, digits and '._-'",
        LABEL: "letters, digits and '-_.', with a letter or digit at both ends",
        "^[0-9a-f]{64}$": "a SHA-256 digest: 64 digits of 0-9a-f, as sha256sum prints them",
        "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?"
        "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$": "a time such as 2026-11-24T12:00:00Z",
        r"^[^\x00]*$": "text without NUL characters",
        r"^[^\x00]+$": "text without NUL characters",
        r"^/[^\x00]*$": "an absolute path",
        "^([1-9][0-9]{0,14}|[1-9][0-9]{0,5}([.][0-9]{1,3})?(k|M|G|T|Ki|Mi|Gi|Ti))$": "a size such as 256Mi, 1Gi, 500M"
        " or a number of bytes",
    }
)
# What may not be, by the pattern under `not`.
REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "^(LD_|PLUGIN_|PLUGINMGR_)": "is reserved: LD_... would run code that no digest covers, PLUGIN_... belongs"
        " to the plugin protocol, PLUGINMGR_... to the controller",
        "^(LD_.*|PLUGINMGR_.*|PLUGIN_((MIN|MAX)_PORT|PROTOCOL_VERSIONS|CLIENT_CERT|UNIX_SOCKET_.*|MULTIPLEX_GRPC))$": (
            "is a variable that the loader, the plugin protocol or the controller uses itself"
        ),
    }
)
_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "string": "text",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "object": "a mapping (field: value)",
        "array": "a list",
        "null": "nothing",
    }
)
_LENGTHS: Mapping[str, str] = MappingProxyType(
    {
        "minLength": "must have at least {limit} character(s)",
        "maxLength": "must have at most {limit} characters",
        "minItems": "must have at least {limit} item(s)",
        "maxItems": "must have at most {limit} items",
        "minProperties": "must have at least {limit} field(s)",
        "maxProperties": "must have at most {limit} fields",
    }
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something wrong at a path. `unknown`: no more than a field that this version does not know."""

    path: Path
    message: str
    unknown: bool = False


def complaints(schema: Schema, data: Any) -> list[Complaint]:
    """Everything that the schema has against the data."""
    return [complaint for error in schema.validator.iter_errors(data) for complaint in _complaints_of(schema, error)]


def _complaints_of(schema: Schema, error: ValidationError) -> list[Complaint]:
    path = tuple(error.instance_path)
    facts = error.kind.as_dict()
    match error.kind.name:
        case "additionalProperties":
            known = schema.at(error.schema_path[:-1]).get("properties")
            return [_unknown(path, name, known) for name in facts["unexpected"]]
        case "required":
            return [Complaint((*path, facts["property"]), "is missing")]
        case "oneOf":
            if not isinstance(error.instance, dict):
                return []  # the wrong type is complained of by itself
            alternatives = [branch["required"][0] for branch in schema.at(error.schema_path)]
            return [Complaint(path, _one_of(alternatives, error.instance))]
        case keyword:
            return [Complaint(path, _message(keyword, facts, path, error.instance))]


def _unknown(path: Path, name: str, known: Iterable[str] | None) -> Complaint:
    if known is None:
        return Complaint((*path, name), NO_KEY)
    if name in NOT_YET:
        return Complaint((*path, name), NOT_AVAILABLE)
    close = get_close_matches(name, known, n=1)
    return Complaint((*path, name), f"no such field{f'; is {close[0]} meant?' if close else ''}", unknown=True)


def _one_of(alternatives: list[str], value: Any) -> str:
    given = [name for name in alternatives if name in value]
    return f"must have exactly one of {', '.join(alternatives)}, and has {' and '.join(given) or 'none'}"


def _message(keyword: str, facts: Mapping[str, Any], path: Path, value: Any) -> str:  # noqa: PLR0911 - a table
    match keyword:
        case "type":
            return _wrong_type(facts["types"], value)
        case "pattern":
            return f"must be {PATTERNS.get(facts['pattern'], facts['pattern'])}; it is {shown(value)}"
        case "not":
            return f"{shown(value)} {REFUSED[facts['schema']['pattern']]}"
        case "enum":
            return NOT_AVAILABLE if path[-1] in NOT_YET else f"must be one of {facts['options']}; it is {shown(value)}"
        case "anyOf":
            return f"must be a size such as 256Mi or a number of bytes; it is {shown(value)}"
        case "uniqueItems":
            return "has an item twice"
        case "minimum" | "maximum":
            return f"must be at {'least' if keyword == 'minimum' else 'most'} {facts['limit']}; it is {shown(value)}"
        case _:
            return _LENGTHS[keyword].format(limit=facts["limit"])


def _wrong_type(types: list[str], value: Any) -> str:
    text = f"must be {' or '.join(_TYPES[name] for name in types)}; it is {shown(value)}"
    if "string" in types and isinstance(value, int | float):
        return f"{text}: put it in quotes"
    if isinstance(value, str) and {"integer", "boolean"} & set(types):
        return f"{text}: without quotes?" if value.isdecimal() or value in {"true", "false"} else text
    return text


def shown(value: Any) -> str:
    """A value in a message: short, on one line, and never a whole mapping."""
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case None | True | False:
            return {None: "empty", True: "true", False: "false"}[value]
        case _:
            text = ascii(value)
            return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]}...{text[0]}"
