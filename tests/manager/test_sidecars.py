"""YAML and binaries joined: what the config hears of them, in which order, and which YAML is the last good one."""

import logging
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.config import Hint, Place
from controller.core.events import VolumeScanned
from controller.core.model import Binary, Digest, Directory, Problem
from controller.core.reasons import Reason
from controller.errors import PluginmgrError
from controller.manager.adapter import AdapterError, Metadata, Plugin, PluginAdapter
from controller.manager.sidecars import LARGEST, Sidecars, document_of

PATH = "/plugins/rule"
RULES = [Place("rule", PATH, "words")]
UNREADABLE = Problem(Reason.FILE_UNREADABLE, "cannot read a.yaml: Permission denied")


class WordsAdapter(PluginAdapter[None]):
    """Reads `field=value` lines; counts how often."""

    def __init__(self) -> None:
        self.reads = 0

    def sidecar(self, text: str) -> Mapping[str, Any]:
        self.reads += 1
        if text == "crash":
            raise ZeroDivisionError("by zero")
        if "=" not in text:
            raise AdapterError("line 1: no '='")
        fields = dict(line.split("=") for line in text.splitlines())
        return Metadata(fields, ["odd"] if "odd" in fields else [])

    def is_enabled(self, plugin: Plugin) -> bool | None:
        return plugin.metadata["enabled"] == "yes" if "enabled" in plugin.metadata else None

    def workers(self, plugin: Plugin) -> int | None:
        return plugin.metadata.get("max_procs")


class Mute(PluginAdapter[None]):
    """Has nothing to say before a plugin runs."""


class Volume:
    """Scans one directory by hand; `told` is what went out, in order: scans, and hints where they had changed."""

    def __init__(self, adapter: PluginAdapter[Any] | None = None) -> None:
        self.adapter = adapter or WordsAdapter()
        self.sidecars = Sidecars(self.find)
        self.places = RULES
        self.told: list[Any] = []
        self.hints: Mapping[tuple[str, str], Hint] = {}
        self.scanned = self.sidecars.joined(self.told.append, self.refresh)

    def find(self, name: str) -> PluginAdapter[Any]:
        if name == "words":
            return self.adapter
        if name == "standard":
            return Mute()
        raise PluginmgrError(f"no adapter {name}")

    def refresh(self) -> None:
        hints = self.sidecars.hints(self.places)
        if hints != self.hints:
            self.hints = hints
            self.told.append(hints)

    def scan(self, *names: str, documents: Mapping[str, str | Problem | None] | None = None, content: str = "") -> None:
        binaries = {name: Binary(name, Digest(content), f"{PATH}/{name}", name) for name in names}
        self.told.clear()
        self.scanned(VolumeScanned({PATH: Directory(PATH, binaries, documents=documents or {})}))

    def a(self, text: str | Problem | None, **more: str) -> Hint:
        self.scan("a", documents={"a.yaml": text}, **more)
        return self.hint

    @property
    def hint(self) -> Hint:
        return self.hints.get(("rule", "a"), Hint())


def test_the_config_hears_of_a_yaml_before_the_core_hears_of_its_binary():
    volume = Volume()
    volume.a("enabled=no\nmax_procs=3")
    hints, scan = volume.told
    assert hints == {("rule", "a"): Hint({"enabled": False, "workers": 3}, "{}")}
    assert isinstance(scan, VolumeScanned)


def test_the_config_forgets_what_a_yaml_said_after_the_core_knows_that_its_binary_is_gone():
    volume = Volume()
    volume.a("enabled=no")
    volume.scan()
    scan, hints = volume.told
    assert isinstance(scan, VolumeScanned)
    assert hints == {}


def test_a_scan_that_changes_no_hint_is_handed_on_alone():
    volume = Volume()
    volume.a("enabled=yes")
    volume.scan("a", "b", documents={"a.yaml": "enabled=yes"})
    assert len(volume.told) == 1
    assert volume.adapter.reads == 1


def test_flags_are_no_part_of_what_shapes_a_version():
    volume = Volume()
    first = volume.a("severity=high\nenabled=yes\nmax_procs=1\nmin_procs=1\nkill_switch=no")
    second = volume.a("max_procs=2\nenabled=no\nseverity=high")
    assert first.metadata == second.metadata == '{"severity":"high"}'
    assert volume.a("severity=low").metadata == '{"severity":"low"}'


@pytest.mark.parametrize(("said", "workers"), [("0", 1), ("-3", 1), ("2", 2)])
def test_there_is_at_least_one_worker(said: str, workers: int):
    assert Volume().a(f"max_procs={said}").fields == {"workers": workers}


@pytest.mark.parametrize("bad", ["nonsense", "crash", "max_procs=many", UNREADABLE])
def test_a_bad_yaml_leaves_the_last_good_one_in_force(bad: str | Problem):
    volume = Volume()
    good = volume.a("severity=high")
    hint = volume.a(bad)
    assert (hint.fields, hint.metadata, hint.refused) == (good.fields, good.metadata, "")
    assert hint.problem is not None
    assert volume.a(bad, content="another binary") == hint
    assert volume.a("severity=high") == good


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("nonsense", "a.yaml: line 1: no '='"),
        ("crash", "a.yaml: the adapter fails: ZeroDivisionError: by zero"),
        (UNREADABLE, UNREADABLE.message),
        (None, "the YAML beside it is still being written"),
        (f"x={'y' * LARGEST}", f"a.yaml: {LARGEST + 8} bytes of metadata, and at most {LARGEST} are taken"),
    ],
)
def test_without_a_good_one_nothing_may_start(bad: str | Problem | None, why: str):
    volume = Volume()
    assert volume.a(bad).refused.startswith(why)
    assert volume.a("severity=high").refused == ""


def test_to_have_had_no_yaml_was_good_too():
    volume = Volume()
    volume.scan("a")
    assert volume.a(None) == Hint()  # it is being written
    hint = volume.a("nonsense")
    assert (hint.fields, hint.metadata, hint.refused) == ({}, "", "")
    assert hint.problem == Problem(Reason.YAML_REJECTED, "a.yaml: line 1: no '='")


def test_a_yaml_that_is_deleted_says_nothing_any_more():
    volume = Volume()
    volume.a("enabled=no")
    volume.scan("a")
    assert volume.hint == Hint()


def test_the_last_good_one_is_forgotten_with_its_binary():
    volume = Volume()
    volume.a("enabled=yes")
    volume.scan(documents={"a.yaml": "enabled=yes"})
    assert volume.a("nonsense").refused


def test_a_kind_that_is_gone_from_the_config_is_forgotten():
    volume = Volume()
    volume.a("enabled=yes")
    volume.places = []
    volume.scanned(VolumeScanned({}))
    volume.places = RULES
    assert volume.a("nonsense").refused


def test_a_kind_that_moves_keeps_its_hints_until_its_new_directory_was_scanned():
    volume = Volume()
    hint = volume.a("max_procs=3")
    volume.places = [Place("rule", "/plugins/elsewhere", "words")]
    volume.refresh()
    assert volume.hint == hint
    volume.scan("a", documents={"a.yaml": "max_procs=3"})  # it was under way
    assert volume.hint == hint
    volume.scanned(VolumeScanned({"/plugins/elsewhere": Directory("/plugins/elsewhere", {})}))
    assert volume.hint == Hint()


def test_another_adapter_for_the_kind_has_no_last_good_one_of_this_one():
    volume = Volume()
    volume.a("enabled=yes")
    assert volume.sidecars.hints([Place("rule", PATH, "standard")]) == {}
    assert volume.sidecars.hints([Place("rule", PATH, "unknown")]) == {}
    assert volume.sidecars.hints([Place("other", "/plugins/other", "words")]) == {}


def test_a_mistake_and_a_warning_are_logged_once(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING)
    volume = Volume()
    for _ in range(2):
        volume.a("odd=1")
    for _ in range(2):
        volume.a("nonsense")
    assert [(each.message, each.problem) for each in caplog.records] == [
        ("plugin YAML", "odd"),
        ("plugin YAML not usable", "a.yaml: line 1: no '='"),
    ]


class FlagsOnly(PluginAdapter[None]):
    """An embedder's: no files, and a mind of its own."""

    def is_enabled(self, plugin: Plugin) -> bool | None:
        return plugin.name == "a" or None

    def workers(self, plugin: Plugin) -> int | None:
        return 2


def test_an_adapter_that_reads_no_files_may_still_say_what_runs():
    volume = Volume(FlagsOnly())
    volume.scan("a", "b", documents={"b.yaml": "whatever"})
    assert volume.hints == {
        ("rule", "a"): Hint({"enabled": True, "workers": 2}),
        ("rule", "b"): Hint({"workers": 2}),
    }


@pytest.mark.parametrize(
    ("name", "files", "found"),
    [
        ("rule", ["rule.yaml"], "rule.yaml"),
        ("rule", ["rule.yml"], "rule.yml"),
        ("rule.py", ["rule.yaml"], "rule.yaml"),
        ("rule.py", ["rule.yaml", "rule.py.yml"], "rule.py.yml"),
        ("rule-1.2", ["rule-1.2.yaml", "rule-1.yaml"], "rule-1.2.yaml"),
        ("rule", ["rules.yaml", "rule.py.yaml", ".yaml"], ""),
    ],
)
def test_which_file_belongs_to_a_binary(name: str, files: list[str], found: str):
    assert document_of(name, dict.fromkeys(files, "text")) == (found, "text" if found else "")


def test_two_spellings_at_once_are_a_mistake():
    volume = Volume()
    volume.scan("a", documents={"a.yaml": "enabled=yes", "a.yml": "enabled=no"})
    assert volume.hint.refused == "both a.yaml and a.yml lie beside it: keep one"


texts = st.sampled_from(["enabled=yes", "enabled=no", "severity=high", "nonsense", "crash", UNREADABLE, None, "absent"])


@given(st.lists(st.tuples(st.booleans(), texts), max_size=12))
def test_in_any_order_what_is_in_force_is_the_newest_good_one_since_the_binary_came(
    steps: list[tuple[bool, str | Problem | None]],
):
    volume = Volume()
    good: str | None = None
    is_flawed = False
    for is_there, text in steps:
        documents = {} if text == "absent" else {"a.yaml": text}
        volume.scan(*(["a"] if is_there else []), documents=documents)
        is_good = isinstance(text, str) and ("=" in text or text == "absent")
        good = None if not is_there else str(text) if is_good else good
        is_flawed = good is not None and (is_flawed if text is None else not is_good)
        expected = Volume()
        expected.scan(*(["a"] if good else []), documents={} if good in (None, "absent") else {"a.yaml": good})
        in_force = volume.hint
        assert (in_force.fields, in_force.metadata) == (expected.hint.fields, expected.hint.metadata)
        assert bool(in_force.refused) == (is_there and good is None)
        assert (in_force.problem is not None) == is_flawed
