"""When a file is taken, and when it counts as gone."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.reasons import Reason
from controller.volume import Moment
from controller.volume.entries import Candidate
from controller.volume.settling import SETTLE, seconds_to_settle, watch_candidate
from tests.volume.eye import Eye, digest_of, put

OLD, NEW = b"old bytes", b"new bytes!"


def test_a_file_renamed_into_place_is_taken_at_once(eye: Eye, rules: Path) -> None:
    put(rules / "rule", NEW, age=0.2)
    assert eye.names() == {"rule"}
    assert eye.last.settle_in is None


def test_a_young_file_waits_until_it_was_quiet_for_long_enough(eye: Eye, rules: Path) -> None:
    put(rules / "rule", NEW, age=-30.0)  # written in the future of a wrong clock: its age alone proves nothing
    assert eye.names() == set()
    assert eye.last.settle_in is not None
    assert 0 < eye.last.settle_in <= SETTLE + 1e-6
    assert eye.names(later=SETTLE) == {"rule"}
    assert eye.last.settle_in is None


def test_each_write_begins_the_quiet_anew_and_the_former_bytes_stay(eye: Eye, rules: Path) -> None:
    path = put(rules / "rule", OLD)
    former = eye.look().binaries["rule"]
    for number in range(1, 4):
        with path.open("ab") as file:
            file.write(NEW)
        future = time.time() + 60 + number
        os.utime(path, (future, future))
        assert eye.look(later=number * 0.09).binaries["rule"] == former
    assert eye.look(later=1).binaries["rule"].digest == digest_of(OLD + NEW * 3)


def test_new_bytes_in_the_old_inode_of_the_same_size_are_seen(eye: Eye, rules: Path) -> None:
    path = put(rules / "rule", b"one")
    eye.look()
    path.write_bytes(b"two")
    os.utime(path, (1, 1))
    assert eye.look().binaries["rule"].digest == digest_of(b"two")


def test_pinned_bytes_are_taken_before_they_settle(eye: Eye, rules: Path) -> None:
    eye.pins = frozenset({digest_of(NEW)})
    put(rules / "rule", NEW, age=-30.0)
    assert eye.look().binaries["rule"].digest == digest_of(NEW)


def test_bytes_taken_for_their_pin_are_looked_at_once_more(eye: Eye, rules: Path) -> None:
    eye.pins = frozenset({digest_of(NEW)})
    path = put(rules / "rule", NEW, age=-30.0)
    status = path.stat()
    eye.look()
    path.write_bytes(NEW[::-1])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # what a write within one tick of the clock looks like
    assert eye.last.settle_in is not None
    assert eye.look(later=1).binaries["rule"].digest == digest_of(NEW[::-1])


def test_bytes_that_are_not_pinned_are_read_once_only_before_they_settle(eye: Eye, rules: Path) -> None:
    eye.pins = frozenset({digest_of(OLD)})
    path = put(rules / "rule", NEW, age=-30.0)
    eye.look()
    eye.scanner.close()  # any reading would now raise AbandonedError
    with path.open("ab") as file:  # a copy in place goes on: each piece would be read for nothing
        file.write(NEW)
    os.utime(path, (2e9 + 1, 2e9 + 1))
    assert eye.names() == set()


def test_unpinned_young_bytes_wait_even_if_there_are_pins(eye: Eye, rules: Path, root: Path) -> None:
    eye.pins = frozenset({digest_of(OLD)})
    put(rules / "rule", NEW, age=-30.0)
    assert eye.names() == set()
    assert not list(root.glob(".incoming-*")), "the copy that was looked at for its pin is left"
    assert eye.names(later=1) == {"rule"}


def test_a_missing_file_is_gone_after_a_quiet_moment_only(eye: Eye, rules: Path) -> None:
    path = put(rules / "rule", OLD)
    eye.look()
    path.unlink()
    assert eye.names() == {"rule"}
    assert eye.last.settle_in is not None
    assert eye.names(later=SETTLE) == set()
    assert eye.last.settle_in is None


def test_a_file_unlinked_and_written_again_was_never_gone(eye: Eye, rules: Path) -> None:
    path = put(rules / "rule", OLD)
    eye.look()
    path.unlink()
    assert eye.names() == {"rule"}
    put(path, NEW)
    assert eye.look(later=1).binaries["rule"].digest == digest_of(NEW)
    path.unlink()
    assert eye.names(later=2) == {"rule"}, "an earlier absence counted"


def test_a_file_that_disappears_is_absent_even_if_it_was_never_taken(eye: Eye, rules: Path) -> None:
    path = put(rules / "rule", NEW, age=-30.0)
    assert eye.names() == set()
    path.unlink()
    directory = eye.look()
    assert not directory.binaries
    assert not directory.problems
    assert eye.last.settle_in is None


def test_an_unreadable_file_keeps_its_former_bytes_and_is_tried_again_later(eye: Eye, rules: Path) -> None:
    put(rules / "rule", OLD)
    former = eye.look().binaries["rule"]
    ring = rules / ".ring"
    ring.symlink_to("rule")
    ring.rename(rules / "rule")
    directory = eye.look()
    assert directory.binaries["rule"] == former
    assert directory.problems["rule"].reason is Reason.FILE_UNREADABLE
    put(rules / "rule", NEW)
    directory = eye.look()
    assert directory.binaries["rule"].digest == digest_of(NEW)
    assert not directory.problems


def test_a_file_closed_to_this_user_is_reported_and_tried_again_later() -> None:
    """As another user, in a process of its own: root may read everything."""
    if os.geteuid():
        pytest.skip("needs root, to become someone who is not")
    code = (
        "import os, sys; from pathlib import Path; from controller.volume import Moment, Scanner\n"
        "os.setgid(65534), os.setuid(65534)\n"
        "scanner = Scanner(Path(sys.argv[1]), None)\n"
        "directory = scanner.scan([sys.argv[1]], frozenset(), Moment(2e9, 0)).directories[sys.argv[1]]\n"
        "print(dict(directory.binaries), directory.problems['rule'].reason.value, directory.problems['rule'].message)"
    )
    with tempfile.TemporaryDirectory() as volume:
        Path(volume).chmod(0o755)
        put(Path(volume) / "rule", mode=0o711)
        command = [sys.executable, "-c", code, volume]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{{}} FileUnreadable cannot read {volume}/rule: Permission denied\n"


@given(
    age=st.floats(-1e6, 1e6),
    looks=st.lists(st.tuples(st.floats(0, 0.3), st.booleans()), min_size=1, max_size=10),
)
def test_nothing_is_taken_before_its_quiet_and_everything_is_after_it(
    age: float, looks: list[tuple[float, bool]]
) -> None:
    """`looks`: seconds since the look before, and whether something was written meanwhile."""
    at, size, quiet, changed_at = 0.0, 1, None, 0.0
    for pause, is_written in looks:
        at += pause
        if quiet is None or is_written:
            size, changed_at = size + 1, at
        candidate = Candidate("rule", "rule", "rule", (1, 1, size, size, 1), 1e9 - age)
        now = Moment(1e9, at)
        quiet = watch_candidate(candidate, quiet, now)
        wait = seconds_to_settle(candidate, quiet, now)
        if age > SETTLE:
            assert wait == 0
        elif age < SETTLE:
            assert (wait <= 0) == (at >= changed_at + SETTLE)
