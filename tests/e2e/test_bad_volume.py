"""A volume or a state directory that fails under a running controller: said in a condition, and plugins stay."""

import os
import signal
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.mounts import unmount
from tests.e2e.rig import Rig

Mount = Callable[..., None]


def serving(controller: Rig, **fields: Any) -> int:
    controller.install("good", "plugin")
    controller.configure({"plugin": fields})
    controller.start()
    controller.until_served("plugin")
    (pid,) = controller.pids("plugin")
    return pid


def fill(directory: Path) -> Path:
    """Leave no byte free."""
    ballast = directory / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            return ballast
    raise AssertionError("unreachable")


def is_replaced(controller: Rig, pid: int) -> bool:
    return controller.pids("plugin") not in ([], [pid])


def test_a_volume_that_is_missing_at_the_start_is_said_and_waited_for(controller: Rig):
    controller.volume.rmdir()
    controller.configure({"plugin": {"required": True}})
    controller.start()
    missing = controller.until_condition("VolumeMissing", status="True", reason="VolumeMissing")
    assert str(controller.volume) in missing["message"]
    assert controller.http("/readyz")[0] == 503
    controller.install("good", "plugin")
    controller.until_served("plugin")
    controller.until_condition("VolumeMissing", status="False")


def test_the_plugin_directory_itself_may_come_later(controller: Rig):
    controller.volume.rmdir()
    controller.plugins.rmdir()
    controller.configure({"plugin": {}})
    controller.start()
    controller.until_condition("VolumeMissing", status="True", reason="VolumeMissing")
    controller.install("good", "plugin")
    controller.until_served("plugin")


def test_a_directory_that_goes_away_stops_nothing(controller: Rig):
    pid = serving(controller)
    aside = controller.plugins / "aside"
    controller.volume.rename(aside)
    controller.until_condition("VolumeMissing", status="True")
    assert controller.pids("plugin") == [pid]
    os.kill(pid, signal.SIGKILL)
    controller.until(lambda _: is_replaced(controller, pid))
    (fresh,) = controller.pids("plugin")
    aside.rename(controller.volume)
    controller.until_condition("VolumeMissing", status="False")
    controller.until_served("plugin")
    assert controller.pids("plugin") == [fresh]


def test_a_directory_that_cannot_be_read_stops_nothing(controller: Rig, tmp_path: Path):
    pid = serving(controller)
    elsewhere = tmp_path / "elsewhere"
    controller.volume.rename(elsewhere)
    controller.volume.symlink_to(elsewhere)  # root can read everything, so: a link that leaves the volume
    unreadable = controller.until_condition("VolumeMissing", status="True", reason="VolumeUnreadable")
    assert str(controller.volume) in unreadable["message"]
    assert controller.pids("plugin") == [pid]


def test_a_volume_that_is_unmounted_stops_nothing(controller: Rig, mount: Mount):
    mount(controller.volume, "mode=755")
    pid = serving(controller)
    unmount(controller.volume)
    missing = controller.until_condition("VolumeMissing", status="True", reason="VolumeMissing")
    assert str(controller.volume) in missing["message"]
    assert controller.pids("plugin") == [pid]
    mount(controller.volume, "mode=755")
    other = controller.install("good", "plugin", version="2")
    controller.until_served("plugin", sha256(other.read_bytes()).hexdigest())
    controller.until_condition("VolumeMissing", status="False")


def test_a_full_state_directory_keeps_what_runs_and_takes_new_binaries_once_there_is_room(
    controller: Rig, mount: Mount
):
    mount(controller.state, "size=2m,mode=700")
    pid = serving(controller)
    ballast = fill(controller.state)
    other = controller.install("good", "plugin", version="2")
    controller.until_condition("Degraded", "plugin", status="True", reason="StoreFailed")
    controller.until_condition("StateNotWritable", status="True")
    controller.configure({"plugin": {"workers": 2}})
    controller.until(lambda _: len(controller.pids("plugin")) == 2)
    assert pid in controller.pids("plugin")
    os.kill(pid, signal.SIGKILL)
    controller.until(lambda _: len(controller.pids("plugin")) == 2 and pid not in controller.pids("plugin"))
    ballast.unlink()
    controller.until_served("plugin", sha256(other.read_bytes()).hexdigest())
    assert controller.terminate() == 0
    assert controller.leftovers() == []


def test_a_store_that_turns_read_only_keeps_what_runs(controller: Rig, mount: Mount):
    pid = serving(controller)
    store = controller.state / "store"
    mount(store, "ro", bind=store)  # from its parent, the state directory, no file system is taken that has open files
    controller.install("good", "other")
    controller.until_condition("StateNotWritable", status="True", reason="StateNotWritable")
    controller.until_state("other", "Refused")
    assert controller.plugin("other")["reason"] == "StoreFailed"
    os.kill(pid, signal.SIGKILL)
    controller.until(lambda _: is_replaced(controller, pid))
    unmount(store)
    controller.until_condition("Ready", "other", status="True")


def test_a_file_that_is_no_plugin_file_is_refused_with_its_reason(controller: Rig):
    pid = serving(controller)
    (controller.volume / "outside").symlink_to("/bin/true")
    entry = controller.until_state("outside", "Refused")
    assert entry["reason"] == "NotAPluginFile"
    assert "leaves the volume" in entry["message"]
    assert controller.pids("plugin") == [pid]


@pytest.mark.parametrize("name", [".hidden", "half.tmp", "half.part"])
def test_a_file_that_is_not_finished_by_its_name_is_passed_over(controller: Rig, name: str):
    controller.install("good", name)
    serving(controller)
    assert [each["name"] for each in controller.status()["plugins"]] == ["plugin"]
