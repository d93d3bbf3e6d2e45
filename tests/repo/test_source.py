"""House rules that no linter knows: one noun per file, one verb per function, and a reason for each module to exist."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in sorted((ROOT / "controller").rglob("*.py"))
    if path.parent.name != "pb"
}
MOST_LINES = 250
MOST_LINES_OF_A_FUNCTION = 25
LISTS = {"add_parser"}  # functions that only enumerate

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[str, Function]]:
    for path, text in SOURCES.items():
        found = (node for node in ast.walk(ast.parse(text)) if isinstance(node, Function))
        yield from ((f"{path}:{each.lineno} {each.name}", each) for each in found if each.name not in LISTS)


def body_lines(function: Function) -> int:
    """What there is to read: neither the signature nor the docstring."""
    first = function.body[1 if ast.get_docstring(function) and function.body[1:] else 0]
    return (function.end_lineno or 0) - first.lineno + 1


def test_a_file_is_short_enough_to_hold_one_noun() -> None:
    lines = {path: len(text.splitlines()) for path, text in SOURCES.items()}
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


def test_a_function_is_short_enough_to_hold_one_verb() -> None:
    lines = {where: body_lines(function) for where, function in functions()}
    assert {where: count for where, count in lines.items() if count > MOST_LINES_OF_A_FUNCTION} == {}


def test_a_module_says_why_it_exists() -> None:
    assert [path for path, text in SOURCES.items() if not ast.get_docstring(ast.parse(text))] == []
