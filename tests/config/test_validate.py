import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from controller.cli import validate

CORPUS = Path(__file__).parent / "corpus"
ROOT = CORPUS.parents[2]
GOOD = CORPUS / "good" / "everything.yaml"
BAD = CORPUS / "bad" / "several-at-once.yaml"


@pytest.fixture
def command(capsys):
    """A function: run the command with these words; its exit code and what it printed."""

    def run(*words):
        parser = argparse.ArgumentParser()
        validate.add_parser(parser.add_subparsers())
        args = parser.parse_args(["validate", *map(str, words)])
        return args.run(args), capsys.readouterr()

    return run


def test_a_fit_file_ends_with_0_and_a_summary(command):
    code, printed = command(GOOD)
    assert (code, printed.out) == (0, f"{GOOD}: PluginConfig detections is fit (kinds: 1, plugins named: 1)\n")


def test_an_unfit_file_ends_with_1_and_every_line(command):
    code, printed = command(BAD)
    lines = [line.removeprefix(f"{BAD}:").split(":")[0] for line in printed.out.splitlines()]
    assert (code, lines) == (1, ["15", "17", "18", "19", "20"])


def test_an_unreadable_file_ends_with_2_whatever_the_others_are(command, tmp_path):
    code, printed = command(GOOD, tmp_path / "gone", BAD)
    assert code == 2
    assert printed.err == f"{tmp_path}/gone: cannot be read: No such file or directory\n"
    assert len(printed.out.splitlines()) == 6


def test_the_worst_of_several_decides(command):
    assert command(GOOD, BAD, GOOD)[0] == 1


def test_as_json_it_says_the_same_for_programs(command, tmp_path):
    code, printed = command("-o", "json", GOOD, BAD, tmp_path / "gone")
    files = json.loads(printed.out)["files"]
    assert code == 2
    assert [file["result"] for file in files] == ["fit", "unfit", "unreadable"]
    assert files[1]["findings"][0] == {
        "line": 15,
        "column": 7,
        "field": "spec.kinds[rule].plugins[failed-login].enabeld",
        "message": "no such field; is enabled meant?",
    }
    assert files[2]["message"] == "No such file or directory"


def test_standard_input_is_a_file_too():
    program = (
        "import argparse, sys; from controller.cli import validate; p = argparse.ArgumentParser();"
        " validate.add_parser(p.add_subparsers()); a = p.parse_args(); sys.exit(a.run(a))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "validate", "-"],
        input=BAD.read_bytes(),
        capture_output=True,
        check=False,
        cwd=ROOT,
    )
    assert ended.returncode == 1
    assert ended.stdout.startswith(b"standard input:15:7: spec.kinds")


def test_help_loads_nothing_that_takes_long():
    program = (
        "import argparse, sys; from controller.cli import validate;"
        " validate.add_parser(argparse.ArgumentParser().add_subparsers());"
        " sys.exit(', '.join({'yaml', 'jsonschema_rs', 'controller.config'} & sys.modules.keys()) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=ROOT).returncode == 0
