"""What is executed where it lies: a volume that nobody can write; and what needs a copy all the same."""

from pathlib import Path

import pytest

from controller.volume import Scanner
from controller.volume.mounts import Mount as MountFacts
from controller.volume.mounts import mount_of
from tests.volume.conftest import Mount
from tests.volume.eye import Eye, put

TMPFS = ("-t", "tmpfs", "tmpfs")


@pytest.fixture
def mounted(volume: Path, rules: Path, mount: Mount) -> Path:
    mount(volume, "size=1m")
    rules.mkdir()
    put(rules / "rule")
    return volume


def test_a_read_only_file_system_is_executed_in_place(eye: Eye, mounted: Path, mount: Mount, root: Path) -> None:
    mount(mounted, "remount,ro", *TMPFS)
    binary = eye.look().binaries["rule"]
    assert binary.executable == binary.path
    assert {path.name for path in root.iterdir()} <= {"index.json"}


def test_a_read_only_view_of_a_file_system_that_others_write_is_copied(eye: Eye, mounted: Path, mount: Mount) -> None:
    mount(mounted, "bind", str(mounted))
    mount(mounted, "remount,bind,ro", str(mounted))
    binary = eye.look().binaries["rule"]
    assert binary.executable != binary.path


def test_a_read_only_volume_mounted_noexec_is_copied(eye: Eye, mounted: Path, mount: Mount) -> None:
    mount(mounted, "remount,ro,noexec", *TMPFS)
    binary = eye.look().binaries["rule"]
    assert binary.executable != binary.path


def test_a_volume_that_becomes_writable_is_copied_from_then_on(eye: Eye, mounted: Path, mount: Mount) -> None:
    mount(mounted, "remount,ro", *TMPFS)
    assert eye.look().binaries["rule"].executable == f"{eye.path}/rule"
    mount(mounted, "remount,rw", *TMPFS)
    eye.look()
    assert eye.last.settle_in == 0
    assert eye.look().binaries["rule"].executable != f"{eye.path}/rule"
    assert eye.last.settle_in is None


def test_without_a_store_everything_is_executed_in_place(volume: Path, rules: Path) -> None:
    put(rules / "rule")
    scanner = Scanner(volume, None)
    scanner.prepare()
    binary = Eye(scanner, rules).look().binaries["rule"]
    scanner.collect(set())
    assert binary.executable == binary.path


def test_the_mount_of_an_open_file_is_found(tmp_path: Path, mount: Mount) -> None:
    mount(tmp_path / "small")
    with (tmp_path / "small" / "file").open("w") as file:
        assert mount_of(file.fileno()) == MountFacts("tmpfs", is_frozen=False)
    assert mount_of(-1) is None


@pytest.mark.parametrize(
    ("fs_type", "has_events"),
    [("ext4", True), ("tmpfs", True), ("overlay", True), ("nfs4", False), ("fuse.sshfs", False), ("virtiofs", False)],
)
def test_file_systems_that_others_change_have_no_events(fs_type: str, has_events: bool) -> None:  # noqa: FBT001
    assert MountFacts(fs_type, is_frozen=False).has_events is has_events
