"""State and run dir: one controller at a time, and a clear error for everything that cannot work."""

import pytest

from controller.app.directories import held
from controller.errors import StateDirError


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


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    refused = pytest.raises(StateDirError, match=r"cannot use directory .*/file/state")
    with refused, held(tmp_path / "file" / "state", tmp_path / "run"):
        pass
