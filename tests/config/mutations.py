"""Good documents with something changed in them: most are bad then, and nobody has thought of them before."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from controller.config import parse
from tests.config.documents import document

Path = tuple[str | int, ...]
SEEDS = tuple(
    parse(document(name).read_bytes(), source=name, strict=True).data
    for name in (
        "everything",
        "a-rollout-in-progress",
        "env-of-every-source",
        "handshakes",
        "sizes",
        "directories-of-many-shapes",
        "limits-in-every-layer",
        "env-the-same-in-all-layers",
        "config-of-any-shape",
        "metadata-of-people",
    )
)
_TEXTS = (
    "",
    "a",
    "A",
    "rule",
    "a/b",
    "../a",
    "-a",
    "a.b",
    "ü",
    "a b",
    "LD_X",
    "PLUGIN_X",
    "256Mi",
    "1.5",
    "0",
    "true",
    "\n",
)
# Without 2.0, which nobody's JSON has but Python's: in a list beside 2 the API server does not see that it is the same.
_NUMBERS = (-1, 0, 1, 2, 16, 256, 257, 3600, 3601, 65536, 86401, 2**31, 2**53, 2**63 - 1, 0.5, 1e300)
_FIELDS = (
    "name",
    "enabled",
    "workers",
    "env",
    "value",
    "config",
    "limits",
    "memory",
    "defaults",
    "canary",
    "Workers",
    "x",
)
_TIMES = ("2026-11-24T12:00:00Z", "2026-11-24", "2026-13-24T12:00:00Z", "2026-11-24T12:00:00+01:00")
_scalars = st.one_of(
    st.sampled_from(_TEXTS + _TIMES),
    st.sampled_from(_NUMBERS),
    st.booleans(),
    st.none(),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.integers(-(2**40), 2**40),
)
_values = st.one_of(
    _scalars,
    st.lists(_scalars, max_size=2),
    st.dictionaries(st.sampled_from(_FIELDS), _scalars, max_size=2),
)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A document of the corpus after one to three changes to what its author wrote."""
    data = copy.deepcopy(dict(draw(st.sampled_from(SEEDS))))
    for _ in range(draw(st.integers(1, 3))):
        if paths := [path for path in _paths(data) if _is_of_the_author(path)]:
            _change(draw, data, draw(st.sampled_from(paths)))
    return data


def _change(draw: st.DrawFn, data: Any, path: Path) -> None:
    for step in path[:-1]:
        data = data[step]
    last: Any = path[-1]
    match draw(st.sampled_from(("replace", "replace", "remove", "repeat", "add", "lengthen"))):
        case "remove":
            del data[last]
        case "repeat" if isinstance(data, list):
            data.append(copy.deepcopy(data[last]))
        case "add" if isinstance(data[last], dict):
            data[last][draw(st.sampled_from(_FIELDS))] = draw(_values)
        case "add" if isinstance(data[last], list):
            data[last].append(draw(_values))
        case "lengthen" if isinstance(data[last], str):
            data[last] += draw(st.sampled_from(("x", "-", "\x00", "é", "x" * 63, "x" * 300)))
        case _:
            data[last] = draw(_values)


def _paths(data: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    for step, child in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from _paths(child, (*path, step))


def _is_of_the_author(path: Path) -> bool:
    return path[0] == "spec" or path[:2] in {("metadata", each) for each in ("name", "labels", "annotations")}
