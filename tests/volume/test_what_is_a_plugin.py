"""Which entries of a directory are plugins, which are passed over in silence, and which are reported."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.reasons import Reason
from controller.volume.entries import NAME, is_inside, printable
from tests.volume.eye import Eye, digest_of, put


def test_a_regular_executable_file_is_a_plugin(eye: Eye, rules: Path) -> None:
    put(rules / "failed-login", b"bytes")
    binary = eye.look().binaries["failed-login"]
    assert binary.name == "failed-login"
    assert binary.digest == digest_of(b"bytes")
    assert binary.path == f"{rules}/failed-login"
    assert Path(binary.executable).read_bytes() == b"bytes"
    assert os.access(binary.executable, os.X_OK)


@pytest.mark.parametrize("name", [".hidden", "..data", "half.tmp", "half.part"])
def test_hidden_and_unfinished_names_are_passed_over(eye: Eye, rules: Path, name: str) -> None:
    put(rules / name)
    directory = eye.look()
    assert not directory.binaries
    assert not directory.problems


def test_a_file_without_execute_bit_and_a_directory_are_passed_over(eye: Eye, rules: Path) -> None:
    put(rules / "failed-login.yaml", mode=0o644)
    (rules / "sub").mkdir()
    os.mkfifo(rules / "pipe", 0o777)
    directory = eye.look()
    assert not directory.binaries
    assert not directory.problems


def test_a_plugin_that_loses_its_execute_bit_is_gone_at_once(eye: Eye, rules: Path) -> None:
    path = put(rules / "rule")
    assert eye.names() == {"rule"}
    path.chmod(0o644)
    assert eye.names() == set()


def test_a_file_that_gets_its_execute_bit_is_taken_at_once(eye: Eye, rules: Path) -> None:
    path = put(rules / "rule", mode=0o644)
    assert eye.names() == set()
    path.chmod(0o755)
    assert eye.names() == {"rule"}


@pytest.mark.parametrize("name", [b"two words", b"caf\xc3\xa9", b"\xff\xfe", b"-rf", b"a+b", b"line\nbreak"])
def test_an_executable_with_a_bad_name_is_reported_in_printable_words(eye: Eye, rules: Path, name: bytes) -> None:
    plain = put(rules / "plain")
    plain.rename(os.fsdecode(os.fsencode(rules) + b"/" + name))
    directory = eye.look()
    assert not directory.binaries
    [(shown, problem)] = directory.problems.items()
    assert problem.reason is Reason.NOT_A_PLUGIN_FILE
    shown.encode()
    problem.message.encode()


def test_a_bad_name_does_not_hide_its_neighbours_and_its_report_ends_with_it(eye: Eye, rules: Path) -> None:
    put(rules / "good")
    bad = put(rules / "not good")
    assert eye.names() == {"good"}
    assert eye.look().problems
    bad.unlink()
    assert not eye.look().problems


def test_a_link_within_the_volume_is_followed(eye: Eye, rules: Path, volume: Path) -> None:
    put(volume / "real", b"linked")
    (rules / "rule").symlink_to("../real")
    binary = eye.look().binaries["rule"]
    assert binary.digest == digest_of(b"linked")
    assert binary.path == f"{rules}/rule"


def test_a_link_that_leaves_the_volume_is_reported_and_never_read(eye: Eye, rules: Path, tmp_path: Path) -> None:
    put(tmp_path / "outside")
    (rules / "rule").symlink_to(tmp_path / "outside")
    directory = eye.look()
    assert not directory.binaries
    assert directory.problems["rule"].reason is Reason.NOT_A_PLUGIN_FILE
    assert "leaves the volume" in directory.problems["rule"].message


def test_a_link_is_judged_anew_when_it_leads_elsewhere(eye: Eye, rules: Path, volume: Path, tmp_path: Path) -> None:
    put(volume / "inside", b"same")
    put(tmp_path / "outside", b"same")
    (rules / "rule").symlink_to("../inside")
    assert eye.names() == {"rule"}
    (rules / ".next").symlink_to(tmp_path / "outside")
    (rules / ".next").rename(rules / "rule")
    directory = eye.look()
    assert not directory.binaries
    assert "leaves the volume" in directory.problems["rule"].message


def test_a_link_to_nothing_is_no_plugin_and_a_ring_of_links_is_reported(eye: Eye, rules: Path) -> None:
    (rules / "nothing").symlink_to("nowhere")
    (rules / "ring").symlink_to("ring")
    directory = eye.look()
    assert not directory.binaries
    assert set(directory.problems) == {"ring"}
    assert directory.problems["ring"].reason is Reason.FILE_UNREADABLE


def test_a_config_maps_swap_of_its_data_link_is_followed(eye: Eye, rules: Path) -> None:
    for version in (b"one", b"two"):
        (rules / f"..{version.decode()}").mkdir()
        put(rules / f"..{version.decode()}" / "rule", version)
    (rules / "..data").symlink_to("..one")
    (rules / "rule").symlink_to("..data/rule")
    assert eye.look().binaries["rule"].digest == digest_of(b"one")
    (rules / "..data_tmp").symlink_to("..two")
    (rules / "..data_tmp").rename(rules / "..data")
    assert eye.look().binaries["rule"].digest == digest_of(b"two")


def test_an_empty_executable_is_reported_and_does_not_replace_its_former_bytes(eye: Eye, rules: Path) -> None:
    put(rules / "rule", b"former")
    before = eye.look().binaries["rule"]
    put(rules / "rule", b"")
    directory = eye.look()
    assert directory.binaries["rule"] == before
    assert directory.problems["rule"].reason is Reason.NOT_A_PLUGIN_FILE
    assert "empty" in directory.problems["rule"].message


def test_two_hard_links_are_two_plugins_of_one_digest(eye: Eye, rules: Path, root: Path) -> None:
    put(rules / "one", b"same")
    os.link(rules / "one", rules / "two")
    binaries = eye.look().binaries
    assert binaries["one"].digest == binaries["two"].digest
    assert not list(root.glob(".incoming-*")), "read twice, and one copy left"
    assert Path(binaries["one"].executable).name == "one"
    assert Path(binaries["two"].executable).name == "two"


@given(st.binary(min_size=1, max_size=40).filter(lambda b: b"/" not in b and b"\0" not in b))
def test_any_name_is_printable(name: bytes) -> None:
    printable(os.fsdecode(name)).encode()


@given(st.text(max_size=300))
def test_an_accepted_name_is_plain_and_short(name: str) -> None:
    if NAME.fullmatch(name):
        assert name.isascii()
        assert len(name) <= 253
        assert not set(name) & set("/ \n:")


@pytest.mark.parametrize(
    ("path", "volume", "inside"),
    [("/v", "/v", True), ("/v/a", "/v", True), ("/va", "/v", False), ("/", "/v", False), ("/a", "/", True)],
)
def test_inside_is_a_matter_of_whole_components(path: str, volume: str, inside: bool) -> None:  # noqa: FBT001
    assert is_inside(path, volume) is inside
