"""The soak runs, for twenty seconds; and what it judges by bites."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.soak.samples import Sample, Series, slope

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.go
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_short_soak_breaks_no_promise():
    command = [sys.executable, "tests/soak/soak.py", "--duration", "20"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all promises held" in done.stdout


def series(kib: float = 0.0, descriptors: float = 0.0) -> Series:
    """100 samples of a process that grows by so much over all of them, with one that sticks out."""
    grown = [Sample(n * 10.0, int(60000 + kib * n / 100), int(50 + descriptors * n / 100)) for n in range(100)]
    return Series("it", [*grown[:50], Sample(505.0, 90000, 200), *grown[50:]])


def test_what_is_flat_gets_no_complaint():
    assert series().complaint() == ""
    assert series(kib=1000, descriptors=2).complaint() == ""


def test_memory_that_grows_is_told():
    assert "KiB" in series(kib=10000).complaint()


def test_descriptors_that_grow_are_told():
    assert "descriptors" in series(descriptors=30).complaint()


def test_a_slope_is_that_of_a_line():
    assert slope([(0, 1), (1, 3), (2, 5), (3, 7)]) == 2
