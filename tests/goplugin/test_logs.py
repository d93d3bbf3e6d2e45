"""What plugins print becomes records, whatever they print."""

import json

import pytest

from controller.goplugin.logs import TAIL_LINES, LineFlow, LogParser, Record, Sink, Stream

NOW = 1000.0


def parse(*lines: str | bytes) -> list[tuple[str, str]]:
    parser = LogParser(Stream.STDERR)
    records = [parser.parse(line if isinstance(line, bytes) else line.encode(), NOW) for line in lines]
    return [(record.level, record.message) for record in records]


def test_hclogs_json_keeps_level_message_time_and_fields() -> None:
    entry = {
        "@level": "info",
        "@message": "hello",
        "@timestamp": "2026-08-17T10:00:00.123456Z",
        "@module": "plugin.x",
        "answer": 42,
    }
    record = LogParser(Stream.STDERR).parse(json.dumps(entry).encode(), NOW)
    fields = {"@module": "plugin.x", "answer": "42"}
    assert record == Record("info", "hello", Stream.STDERR, fields, 1786960800.123456)


@pytest.mark.parametrize("message", [{"a": 1}, 7, None, ["x"]])
def test_a_message_that_is_no_string_is_shown_as_json(message: object) -> None:
    assert parse(json.dumps({"@level": "warn", "@message": message})) == [("warn", json.dumps(message))]


@pytest.mark.parametrize(
    "line",
    [
        '{"level": "info", "msg": "another library"}',
        '{"@level": "loud", "@message": "x"}',
        '{"@level": 3, "@message": "x"}',
        '{"@level": "info", "@message": "x", "@timestamp": "yesterday"}',
        '{"@level": "info", "@message": "x", "@timestamp": 12}',
        '{"@level": "info"',
        "{" * 60000,
        '["@level"]',
        "plain words",
    ],
)
def test_what_is_not_hclogs_is_its_own_message_at_debug(line: str) -> None:
    assert parse(line) == [("debug", line)]


@pytest.mark.parametrize("level", ["trace", "debug", "info", "warn", "error"])
def test_prefixes_set_the_level(level: str) -> None:
    tag = level.upper()
    assert parse(f"[{tag}] x", f"2026/08/17 10:00:00 [{tag}] x", f"2026-08-17T10:00:00.000Z [{tag}]  x") == [
        (level, "x"),
        (level, "x"),
        (level, " x"),
    ]


@pytest.mark.parametrize("begin", ["panic: boom", "fatal error: all goroutines are asleep"])
def test_from_a_panic_on_untagged_lines_are_errors(begin: str) -> None:
    assert parse("before", begin, "goroutine 1 [running]:", "[INFO] tagged", "main.go:7") == [
        ("debug", "before"),
        ("error", begin),
        ("error", "goroutine 1 [running]:"),
        ("info", "tagged"),
        ("error", "main.go:7"),
    ]


def test_fields_are_text_of_about_the_size_of_their_line() -> None:
    line = json.dumps({"@level": "info", "list": [{}] * 16000, "o": {"a": [1, "\u00e9"]}, "ok": True, "s": "x"})
    record = LogParser(Stream.STDERR).parse(line.encode(), NOW)
    assert record.size == len(line.encode())
    (cut, *others) = record.fields.values()
    assert str(cut).startswith("[{}, {}")
    assert len(str(cut)) < len(line)
    assert others == ['{"a": [1, "\u00e9"]}', "true", "x"]
    many = json.dumps({"@level": "info"} | {str(number): number for number in range(4000)})
    fields = LogParser(Stream.STDERR).parse(many.encode(), NOW).fields
    assert len(fields) == 65
    assert fields["..."] == "3936 more fields"


def test_no_depth_is_too_deep() -> None:
    # Somewhere below the limit reading still succeeds, and writing does not.
    for depth in range(700, 1000):
        nest = "[" * depth + "]" * depth
        for name in ("@message", "x"):
            LogParser(Stream.STDERR).parse(f'{{"@level": "info", "{name}": {nest}}}'.encode(), NOW)


def test_a_record_can_always_be_encoded() -> None:
    line = rb'{"@level":"info","@message":"a\ud800","\udfff":"\ud83d\ude00","list":["\udc00"]}'
    record = LogParser(Stream.STDERR).parse(line, NOW)
    assert record.message == "a\ufffd"
    assert record.fields == {"\ufffd": "\U0001f600", "list": '["\ufffd"]'}
    json.dumps([record.message, dict(record.fields)], ensure_ascii=False).encode()


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    assert parse(b"a\xff\xfeb\r") == [("debug", "a\ufffd\ufffdb")]


def flow(rate: int = 0) -> tuple[LineFlow, Sink, list[Record]]:
    records: list[Record] = []
    sink = Sink(records.append, rate)
    return LineFlow(sink, Stream.STDERR), sink, records


def test_lines_come_whole_however_the_chunks_are_cut() -> None:
    text = b"one\ntwo\n\nthree\nfour"
    for size in range(1, len(text)):
        stderr, _, records = flow()
        for start in range(0, len(text), size):
            stderr.feed(text[start : start + size])
        stderr.end()
        assert [record.message for record in records] == ["one", "two", "", "three", "four"]


def test_a_line_over_the_cap_is_cut_and_the_next_one_is_whole() -> None:
    stderr, _, records = flow()
    for _ in range(100):
        stderr.feed(b"x" * 100_000)
    stderr.feed(b"xxx\nnext\n")
    assert [len(record.message) for record in records] == [65536 + len(" [line cut]"), 4]


def test_what_is_over_the_rate_is_counted_in_one_record() -> None:
    stderr, sink, records = flow(rate=10)
    assert stderr.feed(b"x\n" * 20) is False
    assert stderr.feed(b"y\n" * 500) is True
    sink.note_dropped()
    sink.note_dropped()
    assert [record.message for record in records[:20]] == ["x"] * 20
    assert [(record.stream, record.message) for record in records[20:]] == [
        ("host", "dropped 500 lines: over the rate limit")
    ]


def test_the_tail_keeps_the_last_lines_even_of_a_flood() -> None:
    stderr, sink, _ = flow(rate=1)
    stderr.feed(b"".join(b"%d\n" % number for number in range(1000)) + b"\n" + b"z" * 1000 + b"\n")
    assert len(sink.tail) == TAIL_LINES
    assert sink.tail[-2] == "999"
    assert sink.tail[-1] == "z" * 500 + "..."
