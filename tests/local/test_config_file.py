import asyncio
import shutil
import time
from pathlib import Path

import pytest

from controller.config import DocumentError
from controller.core.events import ConfigMissing, ConfigRead, ConfigRejected
from controller.local import config_file, inotify


def replace(path, content):
    """As careful editors and programs do."""
    temporary = path.with_name("temporary")
    temporary.write_text(content)
    temporary.replace(path)


def descriptors():
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


async def test_a_file_written_in_place_is_read(path, text, watched):
    async with watched(path) as told:
        path.write_text(text(2))
        assert await told.workers() == 2


async def test_a_file_renamed_into_place_is_read(path, text, watched):
    async with watched(path) as told:
        replace(path, text(2))
        assert await told.workers() == 2


async def test_a_file_moved_aside_and_written_anew_is_read_and_never_missed(path, text, watched):
    async with watched(path) as told:
        for workers in range(2, 12):
            path.rename(path.with_name("plugins.yaml~"))
            path.write_text(text(workers))
            assert await told.workers() == workers


async def test_a_configmap_swap_is_read(tmp_path, text, watched):
    volume = tmp_path / "volume"
    (volume / "..1").mkdir(parents=True)
    (volume / "..1" / "plugins.yaml").write_text(text(1))
    (volume / "..data").symlink_to("..1")
    (volume / "plugins.yaml").symlink_to("..data/plugins.yaml")
    async with watched(volume / "plugins.yaml") as told:
        for workers in range(2, 6):
            (volume / f"..{workers}").mkdir()
            (volume / f"..{workers}" / "plugins.yaml").write_text(text(workers))
            (volume / "..data_tmp").symlink_to(f"..{workers}")
            (volume / "..data_tmp").rename(volume / "..data")
            shutil.rmtree(volume / f"..{workers - 1}")
            assert await told.workers() == workers


async def test_a_file_behind_a_link_is_read_when_it_changes_there(path, tmp_path, text, watched):
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    async with watched(link) as told:
        path.write_text(text(2))
        assert await told.workers() == 2


async def test_a_bad_edit_is_rejected_by_line_and_the_next_good_one_taken(path, text, watched):
    async with watched(path) as told:
        path.write_text(text("two"))
        assert await told.next() == ConfigRejected(
            f"{path}:8:16: spec.kinds[rule].defaults.workers: must be a whole number; it is 'two'"
        )
        path.write_text(text(2))
        assert await told.workers() == 2


async def test_a_file_that_is_deleted_is_missing_and_found_again(path, text, watched):
    async with watched(path) as told:
        path.unlink()
        assert await told.next() == ConfigMissing(f"{path} is not there")
        path.write_text(text(1))
        assert isinstance(await told.next(), ConfigRead)


async def test_a_directory_in_the_files_place_is_rejected(path, watched):
    async with watched(path) as told:
        path.unlink()
        path.mkdir()
        assert await told.next() == ConfigRejected(f"{path}: cannot be read: Is a directory")


async def test_a_link_that_leads_to_itself_is_rejected(path, watched):
    async with watched(path) as told:
        path.unlink()
        path.symlink_to(path.name)
        assert "cannot be read" in (await told.next()).message


async def test_a_file_emptied_and_written_slowly_is_read_when_it_is_whole(path, text, watched, monkeypatch):
    monkeypatch.setattr(config_file, "SETTLED", 0.3)  # well above the writer's pauses, on a busy machine too
    monkeypatch.setattr(config_file, "DOUBTFUL", 1.0)
    async with watched(path) as told:
        for workers in range(2, 5):
            with path.open("w") as file:
                for line in text(workers).splitlines(keepends=True):
                    file.write(line)
                    file.flush()
                    (path.parent / "noise").touch()  # so that it is looked at in between
                    await asyncio.sleep(0.002)
            assert await told.workers() == workers
        assert told.is_empty()


async def test_an_edit_that_changes_nothing_is_not_told(path, text, watched):
    async with watched(path) as told:
        path.write_text(text(1) + "# a comment\n")
        path.write_text(text(1))
        path.touch()
        path.write_text(text(2))
        assert await told.workers() == 2
        assert told.is_empty()


async def test_a_directory_made_again_is_watched_again(path, text, watched, monkeypatch):
    monkeypatch.setattr(config_file, "RESCAN", 0.2)
    async with watched(path) as told:
        shutil.rmtree(path.parent)
        assert isinstance(await told.next(), ConfigMissing)
        path.parent.mkdir()
        path.write_text(text(2))
        assert await told.workers() == 2
        path.write_text(text(3))
        assert await told.workers() == 3


async def test_what_no_event_tells_is_found_by_the_rescan(path, text, watched, monkeypatch):
    monkeypatch.setattr(config_file, "RESCAN", 0.2)
    monkeypatch.setattr(inotify.DirectoryWatch, "watch", lambda _self, _directories: None)
    async with watched(path) as told:
        path.write_text(text(2))
        assert await told.workers() == 2


async def test_without_an_inotify_instance_it_polls_and_says_so(path, text, watched, monkeypatch, caplog):
    monkeypatch.setattr(config_file, "POLL", 0.05)

    def none_left(_watch):
        raise OSError(24, "inotify_init1: Too many open files")

    monkeypatch.setattr(inotify.DirectoryWatch, "__init__", none_left)
    async with watched(path) as told:
        path.write_text(text(2))
        assert await told.workers() == 2
    assert "config file is polled" in caplog.messages


async def test_many_edits_end_in_the_last_one(path, text, watched):
    async with watched(path) as told:
        for workers in range(2, 102):
            (replace if workers % 2 else type(path).write_text)(path, text(workers))
            if workers % 7 == 0:
                await asyncio.sleep(0)
        while await told.workers() != 101:
            pass
        assert told.is_empty()


async def test_watching_leaves_no_descriptor_behind(path, watched):
    async with watched(path):  # the first one starts what the loop keeps
        pass
    before = descriptors()
    for _ in range(3):
        async with watched(path):
            pass
    assert descriptors() == before


async def test_watching_an_idle_file_costs_nothing(path, text, watched):
    async with watched(path) as told:
        path.write_text(text(2))
        assert await told.workers() == 2  # what comes first is over
        before = time.process_time()
        await asyncio.sleep(2)  # what is measured, and not a wait for anything
        assert (time.process_time() - before) / 2 < 0.005


# --- the start -------------------------------------------------------------------------------------------------------


async def test_a_start_with_an_unfit_file_and_no_last_good_one_fails_with_the_line(path, text, source):
    path.write_text(text(0))
    file, told = source(path)
    with pytest.raises(
        DocumentError, match=r"plugins.yaml:8:16: spec.kinds\[rule\].defaults.workers: must be at least 1"
    ):
        file.start()
    assert told.is_empty()


async def test_a_start_with_an_unfit_file_goes_on_with_the_last_good_one(path, text, source):
    source(path)[0].start()
    path.write_text(text(0))
    file, told = source(path)
    file.start()
    assert await told.workers() == 1
    assert isinstance(await told.next(), ConfigRejected)


async def test_a_start_without_a_file_waits_for_it(path, source):
    path.unlink()
    file, told = source(path)
    file.start()
    assert await told.next() == ConfigMissing(f"{path} is not there")


async def test_a_start_with_a_file_that_cannot_be_read_says_why(path, source):
    path.unlink()
    path.mkdir()
    with pytest.raises(DocumentError, match="cannot be read: Is a directory"):
        source(path)[0].start()
