"""One YAML text to one tree: encoding, size, number of documents, and the parser's complaints in words for people."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import yaml
from yaml.reader import ReaderError

from controller.config.depth import too_deep
from controller.config.findings import DocumentError, Finding, Position
from controller.config.scalars import Scalar, plain
from controller.config.schema import GROUP
from controller.config.tree import MAX_DEPTH, Builder, TextError, Tree

MAX_CHARACTERS = 3 * 1024 * 1024  # as much as an API server takes; etcd stores no more than half of it

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "found character that cannot start any token": "a character stands here that cannot begin a value: a tab"
        " (indent with spaces), or one of @ ` % (quote the value)",
        "found a tab character that violates indentation": "a tab stands here: indent with spaces",
        "mapping values are not allowed in this context": "a ':' is not expected here: are this line and the one above"
        " indented as meant, and is text with ': ' in it quoted?",
        "did not find expected key": "a key is expected here: is the line indented like its neighbours?",
        "could not find expected ':'": "the line before has no ':' after its key",
        "did not find expected '-' indicator": "a '-' is expected here: is the line indented like its neighbours?",
        "did not find expected ',' or ']'": "a ',' or the closing ']' is missing",
        "did not find expected ',' or '}'": "a ',' or the closing '}' is missing",
        "found unexpected end of stream": "the text ends within a quoted value",
        "control characters are not allowed": "the text has a control character in it",
        "exceeded maximum nesting depth": f"nested deeper than {MAX_DEPTH} levels",
    }
)


def decode(raw: bytes, source: str) -> str:
    """UTF-8, with or without a byte order mark."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        position = _end_of(raw[: error.start].decode("utf-8", "replace"))
        message = f"not UTF-8: byte 0x{raw[error.start]:02x}"
        raise DocumentError([Finding(source, message, "", position)]) from error


def read(text: str, source: str, *, positions: bool = False, words: Callable[[str], Scalar] = plain) -> Tree:
    """The one document in `text`; `positions` are for a second look, at a document with something wrong.

    `words` says what an unquoted word means: `str` leaves all of them text.
    """
    if len(text) > MAX_CHARACTERS:
        raise DocumentError([Finding(source, f"larger than {MAX_CHARACTERS // 1024**2} MiB")])
    try:
        return _only(Builder(text, positions=positions, words=words))
    except TextError as error:
        finding = Finding(source, str(error), "", error.position)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = Position(mark.line + 1, mark.column + 1) if mark else None
        finding = Finding(source, _in_words(error), "", position)
    except ReaderError as error:
        finding = Finding(source, _WORDS.get(error.reason, error.reason), "", _end_of(text[: error.position]))
    raise DocumentError([finding])


def read_json(text: str) -> Tree | None:
    """The same for a text that is JSON without a mistake, else None, and the mistake is found as that of any YAML.

    Not all of JSON is YAML: a character beyond U+FFFF may be written as two escapes there, and DEL as itself.
    """
    if text[:1] != "{" or len(text) > MAX_CHARACTERS:
        return None
    try:
        data = json.loads(text, object_pairs_hook=_unique, parse_int=plain, parse_float=plain, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return None if too_deep(data) else Tree(Position(1, 1), data)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    return data if len(data) == len(pairs) else _refuse("a key given twice")


def _refuse(what: str) -> Any:
    raise ValueError(what)


def _only(builder: Builder) -> Tree:
    """The one document; manifests of other things may stand beside it, as `kubectl kustomize` prints them."""
    there = [tree for tree in builder.documents() if tree.data is not None]  # kubectl passes over `---` alone, too
    ours = [tree for tree in there if not _is_of_others(tree.data)] if len(there) > 1 else there
    if len(ours) > 1:
        raise TextError("a second document begins here, and a file holds one", ours[1].start)
    if not ours:
        raise TextError(f"there is no {'PluginConfig' if there else 'document'} in the file", Position(1, 1))
    return ours[0]


def _is_of_others(data: Any) -> bool:
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
        return False
    return not str(data.get("apiVersion", "")).startswith(f"{GROUP}/")


def _in_words(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "not YAML"
    return _WORDS.get(problem) or ": ".join(part for part in (error.context, problem) if part)


def _end_of(text: str) -> Position:
    return Position(text.count("\n") + 1, len(text) - text.rfind("\n"))
