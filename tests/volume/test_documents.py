"""The YAML files beside the binaries: read once they are settled, and never run."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from controller.core.model import Problem
from controller.core.reasons import Reason
from controller.volume.memory import ABSENCE, LARGEST, RETRY
from controller.volume.settling import SETTLE
from tests.volume.eye import Eye, put

SOON = SETTLE + 0.01


def test_a_yaml_is_a_text_whatever_its_mode(eye: Eye, rules: Path) -> None:
    put(rules / "a.yaml", b"name: a\n", mode=0o755)
    put(rules / "b.yml", "name: caf\u00e9\n".encode(), mode=0o644)
    directory = eye.look()
    assert directory.documents == {"a.yaml": "name: a\n", "b.yml": "name: caf\u00e9\n"}
    assert not directory.binaries
    assert not directory.problems
    assert not directory.unsettled


@pytest.mark.parametrize("name", [".a.yaml", "a.yaml.part", "a.yaml.tmp", "two words.yaml", "a.YAML", "a.json"])
def test_other_files_are_no_documents(eye: Eye, rules: Path, name: str) -> None:
    put(rules / name, mode=0o644)
    assert not eye.look().documents


def test_directories_pipes_and_dangling_links_are_no_documents(eye: Eye, rules: Path) -> None:
    (rules / "a.yaml").mkdir()
    os.mkfifo(rules / "b.yaml", 0o777)
    (rules / "c.yaml").symlink_to("nowhere")
    assert not eye.look().documents


def test_a_yaml_that_is_as_it_was_is_not_read_again(eye: Eye, rules: Path) -> None:
    put(rules / "a.yaml", b"name: a\n")
    assert eye.look() is eye.look()


def test_an_edit_is_seen_at_the_next_look(eye: Eye, rules: Path) -> None:
    put(rules / "a.yaml", b"name: a\n")
    eye.look()
    put(rules / "a.yaml", b"name: b\n")
    assert eye.look().documents == {"a.yaml": "name: b\n"}


def test_a_yaml_that_is_being_written_is_waited_for(eye: Eye, rules: Path) -> None:
    (rules / "a.yaml").write_bytes(b"name")
    directory = eye.look()
    assert directory.documents == {"a.yaml": None}
    assert not directory.unsettled  # that word is for plugins
    assert eye.last.settle_in is not None
    assert eye.look(SOON).documents == {"a.yaml": "name"}
    (rules / "a.yaml").write_bytes(b"name: a\n")
    os.utime(rules / "a.yaml", (time.time() + SOON, time.time() + SOON))
    assert eye.look(SOON).documents == {"a.yaml": "name"}
    assert eye.look(3 * SOON).documents == {"a.yaml": "name: a\n"}
    assert eye.look(4 * SOON) is eye.look(5 * SOON)


def test_a_yaml_that_is_gone_for_a_moment_only_was_never_gone(eye: Eye, rules: Path) -> None:
    path = put(rules / "a.yaml", b"name: a\n")
    eye.look()
    path.unlink()
    assert eye.look().documents == {"a.yaml": "name: a\n"}
    put(rules / "a.yaml", b"name: b\n")
    assert eye.look(ABSENCE).documents == {"a.yaml": "name: b\n"}


def test_a_yaml_that_is_deleted_goes_after_a_binary_that_is_deleted_later(eye: Eye, rules: Path) -> None:
    put(rules / "a")
    path = put(rules / "a.yaml", b"name: a\n")
    eye.look()
    path.unlink()
    eye.look()
    (rules / "a").unlink()
    eye.look(SETTLE)
    directory = eye.look(3 * SETTLE)
    assert not directory.binaries
    assert directory.documents == {"a.yaml": "name: a\n"}
    assert eye.last.settle_in is not None
    assert not eye.look(ABSENCE + 0.1).documents


def test_what_is_no_text_or_too_large_or_outside_is_told(eye: Eye, rules: Path, tmp_path: Path) -> None:
    put(rules / "a.yaml", b"name: a\nx: \xff\n")
    put(rules / "b.yaml", b"x" * (LARGEST + 1))
    put(rules / "c.yaml", b"x" * LARGEST)
    put(tmp_path / "outside", mode=0o644)
    (rules / "d.yaml").symlink_to(tmp_path / "outside")
    documents = dict(eye.look().documents)
    assert len(str(documents.pop("c.yaml"))) == LARGEST
    assert documents == {
        "a.yaml": Problem(Reason.YAML_REJECTED, f"{rules}/a.yaml, line 2: not UTF-8"),
        "b.yaml": Problem(Reason.YAML_REJECTED, f"{rules}/b.yaml is larger than 256 KiB"),
        "d.yaml": Problem(Reason.YAML_REJECTED, f"{rules}/d.yaml is a link that leaves the volume: {tmp_path}/outside"),
    }
    assert eye.look() is eye.look()


def test_a_byte_order_mark_is_no_part_of_the_text(eye: Eye, rules: Path) -> None:
    put(rules / "a.yaml", b"\xef\xbb\xbfname: a\n")
    assert eye.look().documents == {"a.yaml": "name: a\n"}


def test_the_swap_of_a_configmap_is_followed(eye: Eye, rules: Path) -> None:
    for number, text in ((1, b"name: a\n"), (2, b"name: b\n")):
        put_into = rules / f"..{number}"
        put_into.mkdir()
        put(put_into / "a.yaml", text)
    (rules / "..data").symlink_to("..1")
    (rules / "a.yaml").symlink_to("..data/a.yaml")
    assert eye.look().documents == {"a.yaml": "name: a\n"}
    (rules / "new").symlink_to("..2")
    (rules / "new").rename(rules / "..data")
    assert eye.look().documents == {"a.yaml": "name: b\n"}


def test_an_unreadable_yaml_is_told_and_read_once_it_can_be(eye: Eye, rules: Path) -> None:
    put(rules / "a.yaml", b"name: a\n")
    eye.look()
    ring = rules / ".ring"
    ring.symlink_to("a.yaml")
    ring.rename(rules / "a.yaml")
    directory = eye.look()
    problem = directory.documents["a.yaml"]
    assert isinstance(problem, Problem)
    assert problem.reason is Reason.FILE_UNREADABLE
    assert not directory.problems
    put(rules / "a.yaml", b"name: b\n")
    assert eye.look().documents == {"a.yaml": "name: b\n"}


def test_a_yaml_closed_to_this_user_is_told_and_tried_again_later() -> None:
    """As another user, in a process of its own: root may read everything."""
    if os.geteuid():
        pytest.skip("needs root, to become someone who is not")
    code = (
        "import os, sys; from pathlib import Path; from controller.volume import Moment, Scanner\n"
        "os.setgid(65534), os.setuid(65534)\n"
        "scanner = Scanner(Path(sys.argv[1]), None)\n"
        "for at in 0, 1:\n"
        "    scan = scanner.scan([sys.argv[1]], frozenset(), Moment(2e9, at))\n"
        "    problem = scan.directories[sys.argv[1]].documents['a.yaml']\n"
        "print(problem.reason.value, problem.message, scan.settle_in)"
    )
    with tempfile.TemporaryDirectory() as volume:
        Path(volume).chmod(0o755)
        path = put(Path(volume) / "a.yaml", mode=0o600)
        done = subprocess.run([sys.executable, "-c", code, volume], capture_output=True, text=True, check=True)
    assert done.stdout == f"FileUnreadable cannot read {path}: Permission denied {RETRY - 1}\n"


def test_a_volume_out_of_sight_keeps_its_documents(eye: Eye, rules: Path) -> None:
    put(rules / "a")
    put(rules / "a.yaml", b"name: a\n")
    eye.look()
    rules.rename(rules.with_name("away"))
    directory = eye.look()
    assert directory.missing
    assert directory.documents == {"a.yaml": "name: a\n"}
