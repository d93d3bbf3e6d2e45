"""Adapters by name: found in what is installed, loaded when they are needed, and broken ones told apart."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.adapters.lookup import BrokenAdapterError, Handshakes, UnknownAdapterError, adapter, installed
from controller.core.model import Handshake

BUNDLED = {"rule", "matcher", "enrichment", "formatter", "tuning_rule"}
numbers = itertools.count()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """A function: install a module of this source, with a class Adapter, and say the adapter's name."""

    def do(source: str) -> str:
        name = f"foreign{next(numbers)}"  # what was looked up once is kept
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[pluginmgr.adapters]\n{name} = {name}:Adapter\n")
        (tmp_path / f"{name}.py").write_text(f"from controller.manager.adapter import PluginAdapter\n{source}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        return name

    return do


def test_the_bundled_kinds_bring_their_handshake_and_standard_brings_none():
    handshakes = Handshakes()
    assert handshakes["standard"] is None
    for name in BUNDLED:
        assert handshakes[name] == Handshake("BLINK_PLUGIN", f"{name}_v1", (1,))


def test_a_foreign_adapter_brings_what_it_says(install: Callable[[str], str]):
    name = install("class Adapter(PluginAdapter):\n magic_value, cookie_key, protocol_versions = 'v', 'K', (3, 2)")
    assert Handshakes()[name] == Handshake("K", "v", (2, 3))
    assert adapter(name) is adapter(name)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(1)", "SystemExit: 1"),
        ("Other = 1", "AttributeError: module"),
        ("class Adapter:\n def __init__(self): 1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_broken_one_is_found_out_when_it_is_needed_and_each_time(
    install: Callable[[str], str], source: str, why: str
):
    name = install(source)
    handshakes = Handshakes()
    assert name in handshakes
    assert name in set(handshakes)
    assert len(handshakes) == len(installed())
    for _ in range(2):
        with pytest.raises(BrokenAdapterError, match=f"{name}:Adapter cannot be loaded: {why}"):
            handshakes[name]


def test_an_unknown_one_is_told_with_those_that_there_are():
    with pytest.raises(UnknownAdapterError, match=r"no adapter 'nobody' is installed .*: .*rule, standard"):
        adapter("nobody")
    assert "nobody" not in Handshakes()
    with pytest.raises(KeyError):
        Handshakes()["nobody"]
