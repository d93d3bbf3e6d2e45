"""Reading the bytes of a file that others may be changing."""

import os
import threading
from pathlib import Path

import pytest

from controller.volume import Scanner, Store
from controller.volume.entries import Candidate, identity_of
from controller.volume.take import PIECE, AbandonedError, ChangedError, CopyError, read_text, take
from tests.volume.eye import Eye, digest_of, put

BIG = bytes(range(256)) * (PIECE // 256) * 3


def candidate_of(path: Path) -> Candidate:
    status = path.stat()
    return Candidate(path.name, str(path), str(path), identity_of(status), status.st_mtime)


class Meddler(threading.Event):
    """An unset stop event that does something to the file at the first piece."""

    def __init__(self, meddle: object) -> None:
        super().__init__()
        self.meddle = meddle

    def is_set(self) -> bool:
        meddle, self.meddle = self.meddle, None
        if callable(meddle):
            meddle()
        return False


@pytest.fixture
def original(tmp_path: Path) -> Path:
    return put(tmp_path / "original", BIG)


@pytest.fixture
def copy(tmp_path: Path) -> str:
    return str(tmp_path / "copy")


def test_the_copy_is_the_original_byte_for_byte(original: Path, copy: str) -> None:
    taken = take(candidate_of(original), copy, threading.Event())
    assert taken.digest == digest_of(BIG)
    assert Path(copy).read_bytes() == BIG


def test_without_a_copy_only_the_digest_is_made(original: Path, tmp_path: Path) -> None:
    assert take(candidate_of(original), None, threading.Event()).digest == digest_of(BIG)
    assert [path.name for path in tmp_path.iterdir()] == ["original"]


@pytest.mark.parametrize("is_copied", [True, False])
@pytest.mark.parametrize("how", ["appended", "overwritten", "truncated", "replaced", "unlinked", "chmodded"])
def test_a_file_that_changes_while_it_is_read_is_discarded(
    original: Path,
    copy: str,
    how: str,
    is_copied: bool,  # noqa: FBT001
) -> None:
    candidate = candidate_of(original)

    def meddle() -> None:
        match how:
            case "appended":
                with original.open("ab") as file:
                    file.write(b"x")
            case "overwritten":
                with original.open("r+b") as file:
                    file.write(b"x")
            case "truncated":
                os.truncate(original, 1)
            case "replaced":
                put(original, BIG)
            case "unlinked":
                original.unlink()
            case "chmodded":
                original.chmod(0o700)

    with pytest.raises((ChangedError, FileNotFoundError)):
        take(candidate, copy if is_copied else None, Meddler(meddle))
    assert not Path(copy).exists()


def test_a_file_replaced_before_it_is_opened_is_not_taken(original: Path, copy: str) -> None:
    candidate = candidate_of(original)
    put(original, BIG)
    with pytest.raises(ChangedError):
        take(candidate, copy, threading.Event())
    assert not Path(copy).exists()


def test_a_pipe_that_took_the_files_place_does_not_block(original: Path, copy: str) -> None:
    candidate = candidate_of(original)
    original.unlink()
    os.mkfifo(original)
    with pytest.raises(ChangedError):
        take(candidate, copy, threading.Event())


def test_a_stop_ends_a_copy_after_its_piece_and_removes_it(original: Path, copy: str) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(AbandonedError):
        take(candidate_of(original), copy, stop)
    assert not Path(copy).exists()
    with pytest.raises(AbandonedError):
        take(candidate_of(original), None, stop)


def test_a_copy_that_cannot_be_begun_names_its_directory(original: Path, tmp_path: Path) -> None:
    with pytest.raises(CopyError, match=f"cannot write {len(BIG)} bytes to {tmp_path}/none: No such file"):
        take(candidate_of(original), f"{tmp_path}/none/copy", threading.Event())


def test_a_scan_looks_again_at_a_file_that_changed_meanwhile(eye: Eye, rules: Path, volume: Path) -> None:
    put(rules / "rule", BIG)
    eye.scanner._intake.stop = Meddler(lambda: put(rules / "rule", BIG + b"more"))
    assert eye.names() == set()
    assert eye.last.settle_in is not None
    assert not list(volume.parent.joinpath("store").glob(".incoming-*"))
    assert eye.look().binaries["rule"].digest == digest_of(BIG + b"more")


def test_a_scan_that_finds_a_link_in_the_files_place_looks_again(eye: Eye, rules: Path) -> None:
    put(rules / "first", BIG)

    def swap() -> None:
        (rules / "second").rename(rules / ".moved")
        (rules / "second").symlink_to(".moved")

    put(rules / "second", BIG + b"second")
    eye.scanner._intake._threads._max_workers = 1  # so that the second is opened after the first piece of the first
    eye.scanner._intake.stop = Meddler(swap)
    directory = eye.look()
    assert not directory.problems
    assert eye.last.settle_in is not None
    assert set(eye.look(later=1).binaries) == {"first", "second"}


def test_a_scan_stops_taking_when_its_budget_is_used_up_and_the_next_goes_on(
    volume: Path, rules: Path, store: Store
) -> None:
    for number in range(5):
        put(rules / f"rule-{number}", bytes([number]))
    eye = Eye(Scanner(volume, store, budget=-1.0), rules)
    assert eye.names() == set()
    assert eye.last.settle_in == 0
    eye.scanner._budget = 60.0
    assert len(eye.names()) == 5
    assert eye.last.settle_in is None


def test_a_closed_scanner_takes_nothing_more(eye: Eye, rules: Path) -> None:
    put(rules / "rule", BIG)
    eye.scanner._intake.stop.set()
    with pytest.raises(AbandonedError):
        eye.look()


def test_a_document_is_read_only_as_it_was_found(tmp_path: Path) -> None:
    path = put(tmp_path / "a.yaml", b"name: a\n")
    document = candidate_of(path)
    assert read_text(document) == "name: a\n"
    put(path, b"name: b\n")
    with pytest.raises(ChangedError):
        read_text(document)
    path.unlink()
    path.symlink_to("elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        read_text(document)
