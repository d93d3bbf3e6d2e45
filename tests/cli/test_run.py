"""`pluginmgr run`: its options become Settings."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from controller.cli import main
from controller.settings import Settings


@pytest.fixture
def received(monkeypatch):
    """What the composition root was given; the real one would run for ever."""
    got = []
    monkeypatch.setitem(
        sys.modules, "controller.app.main", SimpleNamespace(main=lambda settings: got.append(settings) or 7)
    )
    monkeypatch.setattr("controller.cli.logs_format.configure", got.append)
    return got


def test_the_least_that_must_be_said(received, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/s")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/r")
    assert main(["run", "--plugin-dir", "p", "--config", "c"]) == 7
    assert received == [
        "json",
        Settings(Path("p"), Path("/s/pluginmgr"), Path("/r/pluginmgr"), "127.0.0.1:8080", 30.0, config=Path("c")),
    ]


def test_all_that_can_be_said(received):
    words = "run --plugin-dir p --pluginconfig n --namespace ns --state-dir s --run-dir r --http :1 --grace 5.5"
    more = "--kubeconfig k --secrets-dir a --secrets-dir b --log-format text"
    assert main([*words.split(), *more.split()]) == 7
    assert received == [
        "text",
        Settings(Path("p"), Path("s"), Path("r"), ":1", 5.5, None, "n", "ns", Path("k"), (Path("a"), Path("b"))),
    ]


def test_a_pod_without_the_label_is_told_so(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["run", "--plugin-dir", "p", "--pluginconfig="])
    assert ended.value.code == 2
    assert "has it the label pluginmgr.dev/config?" in capsys.readouterr().err
