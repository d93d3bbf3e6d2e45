"""The store: what was hashed is what runs, and nothing is lost, leaked or trusted that should not be."""

import errno
import os
import shutil
import stat
import threading
from pathlib import Path

import pytest

from controller.core.reasons import Reason
from controller.errors import StateDirError
from controller.volume import Scanner, Store
from controller.volume.take import CopyError
from tests.volume.conftest import Mount
from tests.volume.eye import Eye, digest_of, put

A, B = b"#!/bin/sh\necho a\n", b"#!/bin/sh\necho b\n"


def files(root: Path) -> set[str]:
    """Return what lies in the store, but for its index."""
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} - {"index.json"}


def descriptors() -> int:
    """Count this process's open files."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def again(volume: Path, root: Path, rules: Path) -> Eye:
    """Return the eye of a controller that was restarted."""
    scanner = Scanner(volume, Store(root, grace=0.0), budget=60.0)
    scanner.prepare()
    return Eye(scanner, rules)


def test_the_store_is_private_and_its_copies_cannot_be_written(eye: Eye, rules: Path, root: Path) -> None:
    put(rules / "rule", A)
    executable = Path(eye.look().binaries["rule"].executable)
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert stat.S_IMODE(executable.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(executable.stat().st_mode) == 0o500
    assert executable == root / digest_of(A) / "rule"


def test_writing_into_the_original_does_not_change_what_runs(eye: Eye, rules: Path) -> None:
    path = put(rules / "rule", A)
    executable = Path(eye.look().binaries["rule"].executable)
    path.write_bytes(B)
    assert executable.read_bytes() == A


def test_former_bytes_stay_until_they_are_collected(eye: Eye, rules: Path, root: Path) -> None:
    put(rules / "rule", A)
    eye.look()
    put(rules / "rule", B)
    eye.look()
    assert files(root) == {f"{digest_of(A)}/rule", f"{digest_of(B)}/rule"}
    eye.scanner.collect({digest_of(A)})
    assert files(root) == {f"{digest_of(A)}/rule", f"{digest_of(B)}/rule"}
    eye.scanner.collect(set())
    assert files(root) == {f"{digest_of(B)}/rule"}, "what is on the volume is kept, wanted or not"


def test_what_was_used_a_moment_ago_is_not_collected(volume: Path, rules: Path, root: Path) -> None:
    eye = Eye(Scanner(volume, Store(root, grace=60.0)), rules)
    put(rules / "rule", A)
    eye.look()
    put(rules / "rule", B)
    eye.look()
    eye.scanner.collect(set())
    assert len(files(root)) == 2


def test_equal_bytes_under_two_names_are_stored_once(eye: Eye, rules: Path, store: Store) -> None:
    put(rules / "one", A)
    put(rules / "two", A)
    binaries = eye.look().binaries
    one, two = Path(binaries["one"].executable), Path(binaries["two"].executable)
    assert (one.name, two.name) == ("one", "two")
    assert one.samefile(two)
    put(rules / "three", A)
    assert Path(eye.look().binaries["three"].executable).samefile(one)
    assert all(store.is_intact(digest_of(A), name) for name in ("one", "two", "three")), "a link changed the others"


def test_a_touched_file_gives_the_same_binary_and_no_second_copy(eye: Eye, rules: Path, root: Path) -> None:
    path = put(rules / "rule", A)
    before = eye.look()
    inode = Path(before.binaries["rule"].executable).stat().st_ino
    os.utime(path, (5, 5))
    assert eye.look() is before
    assert Path(before.binaries["rule"].executable).stat().st_ino == inode
    assert files(root) == {f"{digest_of(A)}/rule"}


def test_a_restart_reads_nothing_again(eye: Eye, volume: Path, rules: Path, root: Path) -> None:
    put(rules / "rule", A)
    before = eye.look()
    restarted = again(volume, root, rules)
    restarted.scanner.close()  # any reading would now raise AbandonedError
    assert restarted.look() == before


def test_a_restart_finds_a_damaged_copy_and_makes_a_new_one(eye: Eye, volume: Path, rules: Path, root: Path) -> None:
    put(rules / "rule", A)
    executable = Path(eye.look().binaries["rule"].executable)
    executable.chmod(0o700)
    executable.write_bytes(B)
    assert Path(again(volume, root, rules).look().binaries["rule"].executable).read_bytes() == A


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b"{}", b'{"boot": 1}', b'{"boot": "x", "copies": 1, "sources": 2}']
)
def test_a_damaged_index_costs_a_reading_and_no_more(
    eye: Eye, volume: Path, rules: Path, root: Path, damage: bytes
) -> None:
    put(rules / "rule", A)
    before = eye.look()
    (root / "index.json").write_bytes(damage)
    restarted = again(volume, root, rules)
    assert restarted.look() == before
    assert (root / "index.json").read_bytes() != damage


def test_after_a_reboot_every_copy_is_read_again(eye: Eye, volume: Path, rules: Path, root: Path) -> None:
    put(rules / "rule", A)
    executable = Path(eye.look().binaries["rule"].executable)
    index = root / "index.json"
    known = executable.stat()
    executable.chmod(0o700)
    executable.write_bytes(A[::-1])
    executable.chmod(0o500)
    was, now = f"{known.st_mtime_ns}, {known.st_ctime_ns}", executable.stat()
    text = index.read_text().replace(was, f"{now.st_mtime_ns}, {now.st_ctime_ns}")
    index.write_text(text)
    assert Path(again(volume, root, rules).look().binaries["rule"].executable).read_bytes() == A[::-1], (
        "the index rules"
    )
    index.write_text(text.replace(Path("/proc/sys/kernel/random/boot_id").read_text().strip(), "another boot"))
    assert Path(again(volume, root, rules).look().binaries["rule"].executable).read_bytes() == A


def test_the_last_good_version_survives_a_restart_without_index(
    eye: Eye, volume: Path, rules: Path, root: Path
) -> None:
    put(rules / "rule", A)
    eye.look()
    put(rules / "rule", B)
    eye.look()
    (root / "index.json").unlink()
    again(volume, root, rules).look()
    assert files(root) == {f"{digest_of(A)}/rule", f"{digest_of(B)}/rule"}


def test_a_start_removes_what_a_killed_copy_left(root: Path) -> None:
    Store(root)
    (root / ".incoming-7").write_bytes(A)
    Store(root)
    assert files(root) == set()


def test_a_stray_copy_that_is_not_what_it_is_called_is_removed_at_start(root: Path) -> None:
    Store(root)
    (root / digest_of(A)).mkdir()
    (root / digest_of(A) / "rule").write_bytes(B)
    store = Store(root)
    store.verify(threading.Event())
    assert store.executable(digest_of(A), "rule") is None
    assert files(root) == set()


def test_a_stopping_controller_removes_nothing_that_it_did_not_read(root: Path) -> None:
    Store(root)
    (root / digest_of(A)).mkdir()
    (root / digest_of(A) / "rule").write_bytes(A)
    stop = threading.Event()
    stop.set()
    Store(root).verify(stop)
    assert files(root) == {f"{digest_of(A)}/rule"}


def test_a_copy_touched_while_running_is_not_trusted(store: Store, root: Path) -> None:
    copy = store.new_copy(len(A))
    Path(copy).write_bytes(A)
    executable = Path(store.adopt(copy, digest_of(A), "rule"))
    assert store.executable(digest_of(A), "rule") == str(executable)
    executable.write_bytes(B)
    assert store.executable(digest_of(A), "rule") is None
    assert store.executable(digest_of(A), "other") is None
    assert not (root / digest_of(A) / "other").exists()


def test_a_place_that_cannot_be_a_store_is_refused_at_once(tmp_path: Path, mount: Mount) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateDirError, match=r"cannot use .*file as store"):
        Store(tmp_path / "file")
    mount(tmp_path / "noexec", "size=1m,noexec")
    with pytest.raises(StateDirError, match="noexec"):
        Store(tmp_path / "noexec" / "store")


def test_a_full_disk_is_reported_with_numbers_and_the_former_version_stays(
    volume: Path, rules: Path, tmp_path: Path, mount: Mount
) -> None:
    root = mount(tmp_path / "small") / "store"
    eye = Eye(Scanner(volume, Store(root)), rules)
    put(rules / "rule", A)
    former = eye.look().binaries["rule"]
    put(rules / "rule", b"x" * 3_000_000)
    put(rules / "other", B)
    directory = eye.look()
    assert directory.binaries["rule"] == former
    assert directory.binaries["other"].digest == digest_of(B), "a small one still fits"
    problem = directory.problems["rule"]
    assert problem.reason is Reason.STORE_FAILED
    assert str(root) in problem.message
    assert "3000000 bytes needed" in problem.message
    assert "free" in problem.message
    assert files(root) == {f"{digest_of(A)}/rule", f"{digest_of(B)}/other"}


def test_a_file_that_did_not_fit_is_tried_again_after_a_while_and_when_it_changes(
    volume: Path, rules: Path, tmp_path: Path, mount: Mount
) -> None:
    root = mount(tmp_path / "small") / "store"
    eye = Eye(Scanner(volume, Store(root)), rules)
    (root / "ballast").write_bytes(b"x" * 1_000_000)
    put(rules / "rule", b"x" * 500_000)
    assert eye.look().problems
    (root / "ballast").unlink()
    assert eye.look(later=1).problems, "tried again at once, a full disk would be filled at each event"
    assert eye.names(later=10) == {"rule"}
    assert not eye.look(later=10).problems


def test_a_disk_that_fills_up_while_copying_leaves_no_partial_copy(
    volume: Path, rules: Path, tmp_path: Path, mount: Mount
) -> None:
    root = mount(tmp_path / "small") / "store"
    eye = Eye(Scanner(volume, Store(root)), rules)
    for name in ("one", "two"):  # each fits, both do not; they are copied side by side
        put(rules / name, name.encode() * 200_000)
    directory = eye.look()
    assert len(directory.binaries) <= 1  # or each has half of the room
    assert directory.binaries.keys() ^ directory.problems.keys() == {"one", "two"}
    assert {problem.reason for problem in directory.problems.values()} == {Reason.STORE_FAILED}
    assert not list(root.glob(".incoming-*"))


def test_a_store_that_became_read_only_is_reported(volume: Path, rules: Path, tmp_path: Path, mount: Mount) -> None:
    root = mount(tmp_path / "small") / "store"
    eye = Eye(Scanner(volume, Store(root)), rules)
    put(rules / "rule", A)
    former = eye.look()
    mount(tmp_path / "small", "remount,ro", "-t", "tmpfs", "tmpfs")
    put(rules / "rule", B)
    directory = eye.look()
    assert directory.binaries == former.binaries
    assert directory.problems["rule"].reason is Reason.STORE_FAILED
    assert os.strerror(errno.EROFS) in directory.problems["rule"].message


def test_a_store_that_vanished_is_reported_and_used_again_when_it_is_back(eye: Eye, rules: Path, root: Path) -> None:
    root.rename(root.with_name("away"))
    put(rules / "rule", A)
    assert eye.look().problems["rule"].reason is Reason.STORE_FAILED
    root.with_name("away").rename(root)
    assert eye.names(later=10) == {"rule"}


def test_a_name_taken_by_a_directory_in_the_store_fails_that_file_alone(store: Store, root: Path) -> None:
    (root / digest_of(A) / "rule" / "sub").mkdir(parents=True)
    copy = store.new_copy(len(A))
    Path(copy).write_bytes(A)
    with pytest.raises(CopyError, match="cannot keep"):
        store.adopt(copy, digest_of(A), "rule")
    assert not Path(copy).exists()


def test_a_copy_that_is_deleted_or_damaged_is_made_again_by_the_next_scans(eye: Eye, rules: Path, root: Path) -> None:
    put(rules / "one", A)
    put(rules / "two", B)
    before = eye.look()
    shutil.rmtree(root / digest_of(A))
    (root / digest_of(B) / "two").chmod(0o700)
    (root / digest_of(B) / "two").write_bytes(A)
    eye.look()
    assert eye.last.settle_in == 0
    assert eye.look() is before
    assert {Path(binary.executable).read_bytes() for binary in before.binaries.values()} == {A, B}


def test_collecting_in_a_store_that_is_away_does_nothing(eye: Eye, rules: Path, root: Path) -> None:
    put(rules / "rule", A)
    eye.look()
    root.rename(root.with_name("away"))
    eye.scanner.collect(set())
    root.with_name("away").rename(root)
    assert files(root) == {f"{digest_of(A)}/rule"}


def test_a_copy_that_cannot_be_read_at_start_is_not_trusted(root: Path) -> None:
    Store(root)
    (root / digest_of(A) / "rule" / "sub").mkdir(parents=True)
    store = Store(root)
    store.verify(threading.Event())
    assert store.executable(digest_of(A), "rule") is None


def test_scans_leave_no_descriptor_open(eye: Eye, rules: Path) -> None:
    put(rules / "rule", A)
    (rules / "link").symlink_to("/etc/passwd")
    eye.look()
    before = descriptors()
    for content in (A, B, A, b""):
        put(rules / "rule", content)
        eye.look()
    rules.rename(rules.with_name("away"))
    eye.look()
    assert descriptors() == before
