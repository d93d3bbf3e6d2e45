"""What a real API server says of a PluginConfig, in the words in which our own checks say it."""

import re
from dataclasses import dataclass
from typing import Any

from controller.config.findings import DocumentError, name_of
from controller.config.scalars import kubernetes
from controller.config.text import decode, read
from tests.cluster.api import ApiError, Object
from tests.cluster.cluster import GROUP
from tests.cluster.namespace import Namespace

YAML = "application/yaml"
JSON = "application/json"
_SKIPPED = "some validation rules were not checked"
_STEP = re.compile(r"\[[^\]]*\]|'.*'|[^.\[\]]+")
_HEAD = {"apiVersion": "API version in the data", "kind": "field .kind"}
_FURTHEST = 2  # a duplicate names the item, a rule of CEL the list


@dataclass(frozen=True, slots=True)
class Verdict:
    """`fields` are those that a refusal names; `is_partial` when it did not look at all of the object."""

    spec: Object | None
    message: str = ""
    fields: tuple[str, ...] = ()
    is_partial: bool = False

    @property
    def is_taken(self) -> bool:
        """Whether the API server would store the object."""
        return self.spec is not None


def judge(namespace: Namespace, body: bytes | Object, data: Any = None) -> Verdict:
    """Ask for a dry run with strict fields. Bytes go as YAML; `data` is what they mean, to name items by."""
    kind = YAML if isinstance(body, bytes) else JSON
    path = (
        f"{GROUP}/namespaces/{_namespace_in(data if isinstance(body, bytes) else body) or namespace.name}/pluginconfigs"
    )
    try:
        made = namespace.cluster.api(
            "POST", path, body, content_type=kind, dryRun="All", fieldValidation="Strict", fieldManager="test"
        )
    except ApiError as error:
        return _refusal(error, data if isinstance(body, bytes) else body)
    return Verdict(made.get("spec", {}))


def as_stored(value: Any) -> Any:
    """The value with floats for what is an integer in JSON and takes more than 64 bits in Go."""
    match value:
        case dict():
            return {key: as_stored(each) for key, each in value.items()}
        case list():
            return [as_stored(each) for each in value]
        case int() if not -(2**63) <= value < 2**63:
            return float(value)
    return value


def are_near(theirs: str, ours: str) -> bool:
    """Whether both name the same field, or one names what the other lies in."""
    short, long = sorted((_STEP.findall(theirs), _STEP.findall(ours)), key=len)
    return short == long[: len(short)] and len(long) - len(short) <= _FURTHEST


def _namespace_in(data: Any) -> str:
    about = data.get("metadata") if isinstance(data, dict) else None
    return about.get("namespace") or "" if isinstance(about, dict) else ""


def _refusal(error: ApiError, data: Any) -> Verdict:
    causes = (error.status.get("details") or {}).get("causes") or []
    named = [_field(cause) for cause in causes if _SKIPPED not in cause["message"]]
    is_partial = not causes or len(named) < len(causes)
    fields = [_by_name(field, data) for field in named or _in_text(error.message)]
    return Verdict(None, error.message, tuple(dict.fromkeys(fields)), is_partial)


def _field(cause: Object) -> str:
    """Some of the schema's words (`not`, `oneOf`, `anyOf`, numbers) leave it to the message."""
    field: str = cause.get("field") or "<nil>"
    named = re.search(r"\bspec[\w.\[\]]*", cause["message"])
    return named[0] if field == "<nil>" and named else field


def _in_text(message: str) -> list[str]:
    """The fields in the message of a decoder, which has no causes."""
    unknown = re.findall(r'unknown field "([^"]+)"', message)
    about = ["metadata" + field for field in re.findall(r"ObjectMeta(\.\w+)?", message)]
    head = [word for word, said in _HEAD.items() if said in message]
    return unknown or about or head


def _by_name(field: str, data: Any) -> str:
    field = field.replace("ownerReferences.", "ownerReferences[0].")  # which of them, it does not say
    steps = [int(step[1:-1]) if step.startswith("[") else step for step in _STEP.findall(field)]
    return name_of(tuple(steps), data)


def meaning(raw: bytes) -> Any:
    """What a text means; None for one that cannot be read to its end."""
    try:
        return read(decode(raw, ""), "", words=kubernetes).data
    except DocumentError:
        return None
