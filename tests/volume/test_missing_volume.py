"""Rule 9: what the absence of files means, and what it does not."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from controller.core.reasons import Reason
from controller.volume import Moment, Scanner
from tests.volume.conftest import Mount
from tests.volume.eye import Eye, put


def test_a_directory_that_was_never_there_is_missing(eye: Eye, rules: Path) -> None:
    rules.rmdir()
    directory = eye.look()
    assert directory.missing is not None
    assert directory.missing.reason is Reason.VOLUME_MISSING
    assert str(rules) in directory.missing.message


def test_a_directory_that_goes_leaves_its_binaries_and_comes_back(eye: Eye, rules: Path) -> None:
    put(rules / "rule")
    before = eye.look()
    rules.rename(rules.with_name("elsewhere"))
    away = eye.look(later=1)
    assert away.missing is not None
    assert away.binaries == before.binaries
    assert eye.look(later=2) is away
    rules.with_name("elsewhere").rename(rules)
    assert eye.look(later=3) == before


def test_removing_a_directory_with_its_files_concludes_nothing(eye: Eye, rules: Path) -> None:
    put(rules / "rule")
    eye.look()
    (rules / "rule").unlink()
    assert eye.names() == {"rule"}
    rules.rmdir()
    assert eye.names(later=1) == {"rule"}
    assert eye.look(later=1).missing is not None
    rules.mkdir()
    assert eye.names(later=2) == {"rule"}, "the time that the directory was away counted"
    assert eye.names(later=3) == set()


def test_a_file_in_the_directorys_place_is_missing_too(eye: Eye, rules: Path) -> None:
    rules.rmdir()
    rules.touch()
    missing = eye.look().missing
    assert missing is not None
    assert missing.reason is Reason.VOLUME_MISSING


def test_a_directory_that_is_a_link_out_of_the_volume_is_not_looked_into(eye: Eye, rules: Path, tmp_path: Path) -> None:
    rules.rmdir()
    (tmp_path / "outside").mkdir()
    put(tmp_path / "outside" / "rule")
    rules.symlink_to(tmp_path / "outside")
    directory = eye.look()
    assert directory.missing is not None
    assert directory.missing.reason is Reason.VOLUME_UNREADABLE
    assert not directory.binaries


def test_a_directory_that_is_a_link_within_the_volume_is_followed(eye: Eye, rules: Path) -> None:
    rules.rename(rules.with_name("v1"))
    put(rules.with_name("v1") / "rule")
    rules.symlink_to("v1")
    assert eye.names() == {"rule"}


def test_a_directory_that_cannot_be_read_is_unreadable(eye: Eye, rules: Path) -> None:
    rules.rmdir()
    rules.symlink_to("rules")
    missing = eye.look().missing
    assert missing is not None
    assert missing.reason is Reason.VOLUME_UNREADABLE


def test_a_directory_closed_to_this_user_is_unreadable() -> None:
    """As another user, in a process of its own: root may read everything."""
    if os.geteuid():
        pytest.skip("needs root, to become someone who is not")
    code = (
        "import os, sys\n"
        "from controller.volume.listing import list_directory\n"
        "os.setgid(65534), os.setuid(65534)\n"
        "print(list_directory(sys.argv[1], sys.argv[2], {}).reason.value)"
    )
    with tempfile.TemporaryDirectory() as volume:
        Path(volume).chmod(0o755)
        (Path(volume) / "closed").mkdir(mode=0o700)
        command = [sys.executable, "-c", code, f"{volume}/closed", volume]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "VolumeUnreadable"


def test_files_gone_from_the_same_device_are_gone(eye: Eye, rules: Path) -> None:
    put(rules / "rule")
    eye.look()
    shutil.rmtree(rules)
    rules.mkdir()
    eye.look()
    directory = eye.look(later=1)
    assert directory.missing is None
    assert not directory.binaries


def test_an_empty_directory_on_another_device_means_an_unmounted_volume(eye: Eye, rules: Path, mount: Mount) -> None:
    mount(rules)
    put(rules / "rule")
    before = eye.look()
    subprocess.run(["umount", str(rules)], check=True)
    away = eye.look(later=1)
    assert away.missing is not None
    assert away.missing.reason is Reason.VOLUME_MISSING
    assert away.binaries == before.binaries
    assert eye.look(later=5).missing is not None, "the new device was believed the second time"
    put(rules / "other")
    back = eye.look(later=6)
    assert back.missing is None
    assert "other" in back.binaries


def test_a_new_device_under_a_directory_without_plugins_is_no_problem(eye: Eye, rules: Path, mount: Mount) -> None:
    assert eye.look().missing is None
    mount(rules)
    assert eye.look().missing is None


def test_another_volume_with_other_files_replaces_the_old_ones(eye: Eye, rules: Path, mount: Mount) -> None:
    put(rules / "old")
    eye.look()
    mount(rules)
    put(rules / "new")
    eye.look()
    assert eye.names(later=1) == {"new"}


def test_kinds_are_looked_at_each_by_itself(scanner: Scanner, volume: Path, rules: Path) -> None:
    eye = Eye(scanner, rules)
    (volume / "more").mkdir()
    put(rules / "rule")
    put(volume / "more" / "other")
    scan = scanner.scan([str(rules), str(volume / "more"), str(volume / "none")], frozenset(), Moment(2e9, 0))
    assert {path: set(directory.binaries) for path, directory in scan.directories.items()} == {
        str(rules): {"rule"},
        str(volume / "more"): {"other"},
        str(volume / "none"): set(),
    }
    assert eye.look() is scan.directories[str(rules)]
