"""State and run directories that cannot be used: exit code 4, one line that says why, nothing started."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.mounts import remount
from tests.e2e.rig import Rig

Mount = Callable[..., None]


@pytest.fixture(autouse=True)
def _plugin(controller: Rig) -> None:
    controller.install("good", "plugin")
    controller.configure({"plugin": {}})


def refused(controller: Rig, *words: str) -> None:
    code, said = controller.start_failing()
    assert code == 4, said
    (line,) = [line for line in said.splitlines() if not line.startswith("{")]
    assert line.startswith("pluginmgr: ")
    assert [word for word in words if word not in line] == []


def test_a_read_only_state_directory(controller: Rig, mount: Mount):
    mount(controller.state, "ro")
    refused(controller, str(controller.state), "Read-only file system")


def test_a_full_state_directory(controller: Rig, mount: Mount):
    mount(controller.state, "size=4k,mode=700")
    (controller.state / "ballast").write_bytes(b"\0" * 4096)
    refused(controller, str(controller.state), "No space left on device")


def test_a_state_directory_from_which_nothing_may_be_executed(controller: Rig, mount: Mount):
    mount(controller.state, "noexec,mode=700")
    refused(controller, str(controller.state), "noexec")


def test_a_state_directory_that_is_a_file(controller: Rig):
    controller.state.write_text("")
    refused(controller, str(controller.state), "File exists")


def test_a_run_directory_that_is_not_writable(controller: Rig, mount: Mount):
    mount(controller.run, "ro")
    refused(controller, str(controller.run), "Read-only file system")


def test_a_run_directory_whose_path_is_too_long_for_sockets(controller: Rig, tmp_path: Path):
    controller.run = tmp_path / ("x" * 100)
    refused(controller, str(controller.run), "too long for plugin sockets", "--run-dir")
    assert not controller.run.exists()


def test_a_state_directory_that_was_usable_before_and_is_read_only_now(controller: Rig, mount: Mount):
    mount(controller.state, "mode=700")
    controller.start()
    controller.until_served("plugin")
    assert controller.terminate() == 0
    remount(controller.state, "ro")
    controller.log.unlink()
    refused(controller, str(controller.state), "Read-only file system")
