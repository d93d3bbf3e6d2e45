"""A PluginConfig that has passed every check, whether it came as a file's text or as an object of the cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.config.checks import check
from controller.config.depth import too_deep
from controller.config.findings import DocumentError, Finding, Path, Position, in_order, name_of
from controller.config.scalars import kubernetes
from controller.config.schema import PLUGIN_CONFIGS, schema_of
from controller.config.text import decode, read, read_json
from controller.config.tree import MAX_DEPTH, Tree
from controller.config.words import Complaint, complaints, shown


@dataclass(frozen=True, slots=True)
class Document:
    """`data` is the object without its status and its managed fields. `generation` is 0 for a file that names none."""

    generation: int
    data: Mapping[str, Any]
    warnings: tuple[Finding, ...] = ()
    source: str = ""

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.data["metadata"]["name"])

    @property
    def uid(self) -> str:
        """The API server's own name for this very object; "" for a file."""
        return str(self.data["metadata"].get("uid") or "")


def parse(text: str | bytes, *, source: str, strict: bool = False) -> Document:
    """The PluginConfig in a file's text; raises DocumentError with everything that is wrong, by line.

    `strict`: fields that the schema does not know are errors, else warnings (a newer CRD beside an older sidecar).
    """
    text = decode(text, source) if isinstance(text, bytes) else text
    tree = read_json(text) or read(text, source, words=kubernetes)
    data, complaints = _examine(tree.data)
    if not complaints and not tree.mistakes:
        return _document(data, (), source)
    tree = _with_positions(text, source, tree)
    mistakes = [Finding(source, message, name_of(path, tree.data), at) for message, path, at in tree.mistakes]
    found = [(_finding(each, data, source, tree.position(each.path)), each.unknown) for each in complaints]
    return _judged(data, [(mistake, False) for mistake in mistakes] + found, source, strict=strict)


def _with_positions(text: str, source: str, tree: Tree) -> Tree:
    try:
        return read(text, source, positions=True, words=kubernetes)
    except DocumentError:  # what is JSON and no YAML has none
        return tree


def from_object(data: Mapping[str, Any], *, source: str, strict: bool = False) -> Document:
    """The same for an object as the API server sends it, decoded to plain dicts and lists."""
    ours = _our_part(dict(data))
    if path := too_deep(ours):
        raise DocumentError([Finding(source, f"nested deeper than {MAX_DEPTH} levels", name_of(path, ours))])
    examined, complaints = _examine(ours)
    found = [(_finding(each, examined, source, None), each.unknown) for each in complaints]
    return _judged(examined, found, source, strict=strict)


def _finding(complaint: Complaint, data: Any, source: str, position: Position | None) -> Finding:
    return Finding(source, complaint.message, name_of(complaint.path, data), position)


def _judged(data: dict[str, Any], findings: list[tuple[Finding, bool]], source: str, *, strict: bool) -> Document:
    """The findings come with whether they are only of an unknown field."""
    errors = [finding for finding, is_unknown in findings if strict or not is_unknown]
    if errors:
        raise DocumentError(errors)
    return _document(data, in_order(finding for finding, _ in findings), source)


def _document(data: dict[str, Any], warnings: tuple[Finding, ...], source: str) -> Document:
    generation = data["metadata"].get("generation")
    return Document(generation if isinstance(generation, int) else 0, data, warnings, source)


def _examine(data: Any) -> tuple[dict[str, Any], list[Complaint]]:
    if not isinstance(data, dict):
        return {}, [Complaint((), f"must be a mapping (apiVersion: ...); it is {shown(data)}")]
    data = _our_part(data)
    schema = schema_of(PLUGIN_CONFIGS)
    found = complaints(schema, data)
    if any(_is_null(data, complaint.path) for complaint in found):
        unknown = [complaint for complaint in found if complaint.unknown and _is_null(data, complaint.path)]
        data = _without_nulls(data)
        found = unknown + complaints(schema, data)
    return data, [*found, *(each for each in check(data) if each.path not in {other.path for other in found})]


def _our_part(data: dict[str, Any]) -> dict[str, Any]:
    """The object without what others say of it, and who said it."""
    data = {field: value for field, value in data.items() if field != "status"}
    about = data.get("metadata")
    if isinstance(about, dict) and "managedFields" in about:
        data["metadata"] = {field: value for field, value in about.items() if field != "managedFields"}
    return data


def _is_null(data: Any, path: Path) -> bool:
    for step in path:
        if isinstance(data, dict) and step not in data:
            return False
        data = data[step]
    return data is None


def _without_nulls(data: Any, field: str = "") -> Any:
    """A field with nothing behind it counts as left out, as it does to the API server; `config` is the plugin's own."""
    if field == "config":
        return data
    if isinstance(data, dict):
        return {key: _without_nulls(value, key) for key, value in data.items() if value is not None}
    return [_without_nulls(item) for item in data] if isinstance(data, list) else data
