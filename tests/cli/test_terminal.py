"""Text for people: width, colours, control characters, times."""

from datetime import UTC, datetime

import pytest

from controller.cli import times
from controller.cli.terminal import RED, Cell, Page, columns, printable, quoted


def test_columns_are_aligned_whatever_is_in_them():
    rows = [("a", "漢字", "x"), ("", Cell("bc"), ""), ("e\u0301e", "d", "end")]
    assert Page().table(rows) == ["a   漢字  x", "-   bc    -", "e\u0301e  d     end"]


def test_a_painted_table_is_aligned_as_a_plain_one():
    rows = [(Cell("a", RED), "b"), (Cell("long", RED), "b")]
    assert Page(colour=True).table(rows) == ["\x1b[31ma\x1b[0m     b", "\x1b[31mlong\x1b[0m  b"]
    assert Page().table(rows) == ["a     b", "long  b"]


@pytest.mark.parametrize(
    ("line", "width", "seen"),
    [
        ("short", 5, "short"),
        ("longer", 5, "long…"),
        ("漢字漢", 5, "漢字…"),
        ("漢字漢字", 6, "漢字…"),
        ("\x1b[31mred\x1b[0m", 3, "\x1b[31mred\x1b[0m"),
        ("a \x1b[31mred\x1b[0m rest", 4, "a \x1b[31mr\x1b[0m…"),
        ("a 漢\x1b[31mb\x1b[0m rest", 4, "a \x1b[31m\x1b[0m…"),
        ("endless", None, "endless"),
    ],
)
def test_a_line_is_cut_to_the_page_and_leaves_no_colour_behind(line, width, seen):
    assert Page(colour=True, width=width).fit(line) == seen


def test_control_characters_and_line_ends_are_spelled_out():
    assert printable("a\x1b[2J\n\x9b\u2028\udcff漢 b") == "a\\x1b[2J\\n\\x9b\\u2028\\udcff漢 b"


def test_a_combining_mark_takes_no_column():
    assert columns("e\u0301") == 1
    assert columns("漢") == 2


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("a b", '"a b"'),
        ('"', '"\\""'),
        ("a=b", '"a=b"'),
        ("a\nb", '"a\\nb"'),
        (7, "7"),
        (None, "null"),
        ([1], "[1]"),
    ],
)
def test_a_field_is_one_word(value, word):
    assert quoted(value) == word


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-3, "0s"),
        (59, "59s"),
        (59.6, "1m"),
        (61, "1m1s"),
        (600, "10m"),
        (3600, "1h"),
        (3660, "1h1m"),
        (36000, "10h"),
        (90000, "1d1h"),
        (86400 * 30, "30d"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds, text):
    assert times.duration(seconds) == text


def test_times_are_told_from_now():
    now = datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert times.ago("2027-01-15T07:59:57Z", now) == "3s ago"
    assert times.since("2027-01-15T07:59:57", now) == "3s"
    assert times.until("2027-01-15T08:00:12+00:00", now) == "in 12s"
    assert times.until("2027-01-15T07:00:00Z", now) == "now"
    assert (times.ago(None, now), times.until(None, now), times.since(None, now)) == ("", "", "")
