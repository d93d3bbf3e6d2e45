"""What the volume does with a plugin's file: gone, back, elsewhere, on mounts of all sorts; and secrets and limits."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.mounts import remount
from tests.e2e.proc import command_of, environment_of, is_alive, until_gone
from tests.e2e.rig import Rig
from tests.plugins import zoo

Mount = Callable[..., None]
AT_ONCE = {"update": {"minReadySeconds": 0}}


def serving(controller: Rig, *more: str, **fields: Any) -> int:
    controller.install("good", "plugin")
    controller.configure({"plugin": AT_ONCE | fields})
    controller.start(*more)
    controller.until_served("plugin")
    (pid,) = controller.pids("plugin")
    return pid


def replaced(controller: Rig, pid: int) -> int:
    controller.until(lambda _: controller.pids("plugin") not in ([], [pid]))
    until_gone(pid)
    (fresh,) = controller.pids("plugin")
    return fresh


def test_removed_and_added_again_it_serves_again(controller: Rig):
    pid = serving(controller)
    (controller.volume / "plugin").unlink()
    entry = controller.until_state("plugin", "Removed")
    assert "the config names it" in entry["message"]
    until_gone(pid)
    controller.install("good", "plugin")
    controller.until_served("plugin")


def test_the_same_file_in_another_directory_is_the_same_plugin(controller: Rig):
    pid = serving(controller)
    elsewhere = controller.plugins / "elsewhere"
    os.utime(zoo.install("good", elsewhere, "plugin"), (1, 1))  # long settled
    controller.configure({"plugin": AT_ONCE | {"required": True}}, kind={"directory": "elsewhere"})
    controller.until_plugin("plugin", lambda each: each["required"])
    controller.until(lambda _: controller.pids("plugin") == [pid])
    (controller.volume / "plugin").unlink()
    fresh = zoo.install("good", elsewhere, "plugin", version="2")
    replaced(controller, pid)
    assert environment_of(controller.pids("plugin")[0])["PLUGINMGR_PLUGIN_PATH"] == str(fresh)


def test_a_file_that_is_not_settled_in_another_directory_is_waited_for(controller: Rig):
    pid = serving(controller)
    elsewhere = controller.plugins / "elsewhere"
    os.utime(zoo.install("good", elsewhere, "plugin"), (2**32, 2**32))  # from the future: never settled at first sight
    os.utime(zoo.install("good", elsewhere, "settled"), (1, 1))
    controller.configure({"plugin": AT_ONCE}, kind={"directory": "elsewhere"})
    controller.until_served("settled")
    assert not [each for each in controller.history("plugin") if each["what"] == "Remove"]
    assert controller.pids("plugin") == [pid]


def test_a_kind_that_leaves_the_config_stops_and_comes_back(controller: Rig):
    pid = serving(controller)
    other = {"name": "other", "handshake": {"cookieKey": "A", "cookieValue": "b", "protocolVersions": [1]}}
    controller.write_config({"kinds": [other]})
    until_gone(pid)
    controller.until(lambda status: status["plugins"] == [])
    controller.configure({"plugin": AT_ONCE})
    controller.until_served("plugin")


def test_on_a_read_only_file_system_it_is_executed_in_place(controller: Rig, mount: Mount):
    mount(controller.volume, "mode=755")
    path = controller.install("good", "plugin")
    remount(controller.volume, "ro")
    controller.configure({"plugin": {}})
    controller.start()
    controller.until_served("plugin")
    assert str(path) in command_of(controller.pids("plugin")[0])
    assert [each for each in (controller.state / "store").iterdir() if each.is_dir()] == []


def test_on_a_read_only_view_of_what_others_may_write_it_is_executed_from_the_store(
    controller: Rig, mount: Mount, tmp_path: Path
):
    behind = tmp_path / "behind"
    zoo.install("good", behind, "plugin")
    mount(controller.volume, "ro", bind=behind)
    controller.configure({"plugin": AT_ONCE})
    controller.start()
    controller.until_served("plugin")
    (pid,) = controller.pids("plugin")
    assert any(word.startswith(str(controller.state / "store")) for word in command_of(pid))
    zoo.install("good", behind, "plugin", version="2")  # written through another door than the one that is watched
    replaced(controller, pid)


def test_a_volume_from_which_nothing_may_be_executed_works_through_the_store(controller: Rig, mount: Mount):
    mount(controller.volume, "noexec,mode=755")
    pid = serving(controller)
    assert any(word.startswith(str(controller.state / "store")) for word in command_of(pid))


def test_over_its_memory_limit_a_worker_is_replaced(controller: Rig):
    fields = {"limits": {"memory": "200Mi"}, "env": [{"name": "ZOO_EVERY_MS", "value": "50"}]}
    controller.install("grows", "plugin")
    controller.install("good", "bystander")
    controller.configure({"plugin": AT_ONCE | fields, "bystander": {}})
    controller.start()
    entry = controller.until_plugin("plugin", lambda each: each["restarts"] >= 1 and each["workers"]["ready"])
    assert entry["lastExit"]["reason"] == "MemoryLimit"
    assert "200" in entry["lastExit"]["message"]
    assert controller.plugin("bystander")["restarts"] == 0


def test_a_secret_that_is_not_there_yet_is_waited_for(controller: Rig, tmp_path: Path):
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    token = secrets / "token"
    env = [{"name": "TOKEN", "fromFile": str(token)}]
    controller.install("good", "plugin")
    controller.configure({"plugin": {"env": env} | AT_ONCE})
    controller.start("--secrets-dir", str(secrets))
    entry = controller.until_state("plugin", "Refused")
    assert entry["reason"] == "SecretUnavailable"
    assert str(token) in entry["message"]
    token.write_text("first\n", encoding="utf-8")
    controller.until_served("plugin")
    (pid,) = controller.pids("plugin")
    assert environment_of(pid)["TOKEN"] == "first"
    token.write_text("second\n", encoding="utf-8")
    assert environment_of(replaced(controller, pid))["TOKEN"] == "second"
    assert all(
        "second" not in path.read_text(errors="replace") for path in controller.state.iterdir() if path.is_file()
    )


def test_a_secret_that_goes_away_stops_nothing(controller: Rig, tmp_path: Path):
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    token = secrets / "token"
    token.write_text("first", encoding="utf-8")
    pid = serving(controller, "--secrets-dir", str(secrets), env=[{"name": "TOKEN", "fromFile": str(token)}])
    token.unlink()
    controller.until_condition("Degraded", "plugin", status="True", reason="SecretUnavailable")
    assert is_alive(pid)
    assert controller.pids("plugin") == [pid]


@pytest.mark.parametrize("place", ["/etc/hostname", "outside"])
def test_a_secret_outside_of_the_allowed_directories_is_refused(controller: Rig, tmp_path: Path, place: str):
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "outside").symlink_to("/etc/hostname")
    controller.install("good", "plugin")
    controller.configure({"plugin": {"env": [{"name": "TOKEN", "fromFile": str(secrets / place)}]}})
    controller.start("--secrets-dir", str(secrets))
    entry = controller.until_state("plugin", "Refused")
    assert entry["reason"] == "SecretUnavailable"
    assert "not in a directory given with --secrets-dir" in entry["message"]
