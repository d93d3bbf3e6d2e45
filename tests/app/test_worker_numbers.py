"""No run gives out worker ids that a former one on the same state directory did."""

from pathlib import Path

import pytest

from controller.app.worker_numbers import BLOCK, LIMIT, WorkerNumbers


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "workers.json"


def test_the_first_run_begins_at_one(path):
    assert WorkerNumbers(path).first == 1


def test_every_run_begins_behind_all_that_the_former_one_may_have_given_out(path):
    first = WorkerNumbers(path)
    second = WorkerNumbers(path)
    assert second.first == first.first + BLOCK


def test_a_run_that_reaches_the_end_of_its_block_sets_another_one_aside(path):
    numbers = WorkerNumbers(path)
    written = path.stat().st_mtime_ns, path.read_bytes()
    numbers.keep(BLOCK)
    assert (path.stat().st_mtime_ns, path.read_bytes()) == written
    numbers.keep(BLOCK + 1)
    assert WorkerNumbers(path).first > 2 * BLOCK


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"-5", b"0", b"no number", str(LIMIT).encode()])
def test_a_file_that_says_nothing_usable_is_followed_by_a_number_that_is_most_likely_free(path, content):
    firsts = set()
    for _ in range(20):
        path.write_bytes(content)
        firsts.add(WorkerNumbers(path).first)
    assert len(firsts) > 10
    assert all(0 < first <= LIMIT - BLOCK for first in firsts)


def test_ids_keep_to_seven_digits_for_ever(path):
    path.write_text(str(LIMIT - BLOCK))
    assert f"{WorkerNumbers(path).first + BLOCK - 1:x}" == "fffffff"
    assert WorkerNumbers(path).first < LIMIT - BLOCK


def test_a_disk_that_refuses_costs_a_warning(tmp_path, caplog):
    numbers = WorkerNumbers(tmp_path / "missing" / "workers.json")
    assert numbers.first == 1
    assert "cannot set worker ids aside" in caplog.text
