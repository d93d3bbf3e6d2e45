"""The controller's own log: one record, one line."""

import json
import logging
import subprocess
import sys

import pytest

from controller.cli.logs_format import JsonLines, TextLines
from tests.cli.conftest import ROOT, environment


def make(message: str = "started %s", *args: object, level: int = logging.INFO, **extra: object) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": "controller.x", "msg": message, "args": args or ("it",)} | extra)
    record.levelno, record.levelname, record.created = level, logging.getLevelName(level), 1_800_000_000.25
    return record


def test_a_record_is_json_with_its_extras_as_keys():
    assert json.loads(JsonLines().format(make(worker="w1", pid=7, path=ROOT))) == {
        "time": "2027-01-15T08:00:00.250Z",
        "level": "info",
        "logger": "controller.x",
        "message": "started it",
        "worker": "w1",
        "pid": 7,
        "path": str(ROOT),
    }


@pytest.mark.parametrize("extra", [{"plugin": "rule/x"}, {"kind": "rule", "plugin": "x"}])
def test_a_plugin_is_its_kind_and_name(extra):
    line = json.loads(JsonLines().format(make(**extra)))
    assert (line["kind"], line["name"]) == ("rule", "x")
    assert "plugin" not in line


def test_a_field_cannot_pass_itself_off_as_the_head():
    line = json.loads(JsonLines().format(make(level=logging.ERROR, time="never", logger="me")))
    assert (line["time"], line["level"], line["logger"]) == ("2027-01-15T08:00:00.250Z", "error", "controller.x")


@pytest.mark.parametrize(
    ("number", "word"), [(5, "trace"), (10, "debug"), (20, "info"), (30, "warn"), (40, "error"), (50, "critical")]
)
def test_levels_have_the_names_that_plugins_use(number, word):
    assert json.loads(JsonLines().format(make(level=number)))["level"] == word


def test_text_is_one_line_for_people():
    line = TextLines().format(make(plugin="rule/x", worker="w1", text="a b"))
    assert line.split(" ", 1)[1] == 'INFO  started it kind=rule name=x worker=w1 text="a b"'


@pytest.mark.parametrize("formatter", [JsonLines(), TextLines()])
def test_nothing_makes_a_second_line(formatter):
    try:
        int("a\nb")
    except ValueError:
        record = make("line\nline\r\u2028\x1b[2J%s", "\n", exc_info=sys.exc_info(), stack_info="s\nt", field="\n\x85")
    line = formatter.format(record)
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line
    assert "ValueError" in line


@pytest.mark.parametrize("form", ["json", "text"])
def test_it_goes_to_stderr_and_survives_what_is_no_unicode(form):
    code = (
        f"from controller.cli.logs_format import configure; import logging, warnings; configure({form!r})\n"
        "logging.getLogger('a').info('\\udcff', extra={'b': '\\ud800'}); warnings.warn('careful')"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert answer.stdout == ""
    first, second = answer.stderr.splitlines()
    assert "\\udcff" in first
    assert "\\ud800" in first
    assert "careful" in second
