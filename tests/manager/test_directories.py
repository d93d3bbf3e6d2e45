"""State and run dir: one controller at a time, and a clear error for everything that cannot work."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from controller.errors import StateDirError
from controller.goplugin import preflight
from controller.manager.directories import RUN_DIR_LIMIT, held


@pytest.fixture
def tmp_path():
    """Short enough for a run dir, wherever the tests run."""
    with tempfile.TemporaryDirectory(prefix="pm", dir="/tmp") as made:
        yield Path(made)


def test_directories_are_made_private_and_shared(tmp_path):
    with held(tmp_path / "state", tmp_path / "run") as directories:
        assert directories.state.stat().st_mode & 0o777 == 0o700
        assert directories.run.stat().st_mode & 0o7777 == 0o2750
        assert directories.control_socket.parent == directories.state


def test_the_instance_stays_the_same_over_restarts(tmp_path):
    with held(tmp_path / "state", tmp_path / "run") as first:
        pass
    with held(tmp_path / "state", tmp_path / "run") as second:
        assert first.instance == second.instance
        assert len(first.instance) == 16


@pytest.mark.parametrize("shared", ["state", "run"])
def test_a_second_controller_is_refused(tmp_path, shared):
    other = {"state": tmp_path / "other", "run": tmp_path / "another"} | {shared: tmp_path / shared}
    refused = pytest.raises(StateDirError, match="in use by another controller")
    with held(tmp_path / "state", tmp_path / "run"), refused, held(other["state"], other["run"]):
        pass
    with held(other["state"], other["run"]):
        pass


def test_a_run_dir_too_long_for_sockets_is_refused(tmp_path):
    long = tmp_path / ("x" * 120)
    with pytest.raises(StateDirError, match="too long for plugin sockets"), held(tmp_path / "state", long):
        pass


def test_what_is_taken_as_run_dir_is_short_enough_for_every_worker(tmp_path_factory):
    base = tempfile.mkdtemp(prefix="pm")
    longest = Path(base) / ("x" * (RUN_DIR_LIMIT - len(base) - 1))
    try:
        with held(tmp_path_factory.mktemp("s"), longest) as directories:
            preflight.check(sys.executable, os.environ, str(directories.run / "wfffffff"))
        with pytest.raises(StateDirError, match="too long"), held(tmp_path_factory.mktemp("s"), Path(f"{longest}x")):
            pass
    finally:
        shutil.rmtree(base)


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    refused = pytest.raises(StateDirError, match=r"cannot use directory .*/file/state")
    with refused, held(tmp_path / "file" / "state", tmp_path / "run"):
        pass


def test_state_and_run_dir_must_differ(tmp_path):
    with pytest.raises(StateDirError, match="are both"), held(tmp_path, tmp_path):
        pass


@pytest.mark.parametrize("content", [b"\0" * 16, b"\xff\xfe", b"", b"0123"])
def test_an_instance_that_makes_no_sense_is_replaced(tmp_path, content):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "instance").write_bytes(content)
    with held(tmp_path / "state", tmp_path / "run") as directories:
        assert len(directories.instance) == 16
        assert (tmp_path / "state" / "instance").read_text(encoding="ascii").strip() == directories.instance


def test_half_written_files_of_a_killed_predecessor_are_removed(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / ".status.json.x1y2").touch()
    with held(tmp_path / "state", tmp_path / "run"):
        assert list((tmp_path / "state").glob(".status*")) == []
