import json
import stat

import pytest

from controller.errors import StatusNotWrittenError
from controller.local import StatusFile


async def test_the_status_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "status.json"
    status = StatusFile(path)
    await status.write({"status": {"ready": False}})
    with path.open() as reader:
        await status.write({"status": {"ready": True}})
        assert json.load(reader) == {"status": {"ready": False}}
    assert json.loads(path.read_text()) == {"status": {"ready": True}}
    assert [entry.name for entry in tmp_path.iterdir()] == ["status.json"]


async def test_the_status_is_for_its_owner_alone(tmp_path):
    await StatusFile(tmp_path / "status.json").write({})
    assert stat.S_IMODE((tmp_path / "status.json").stat().st_mode) == 0o600


async def test_the_same_status_is_not_written_again(tmp_path):
    path = tmp_path / "status.json"
    status = StatusFile(path)
    await status.write({"a": 1})
    before = path.stat().st_ino
    await status.write({"a": 1})
    assert path.stat().st_ino == before


async def test_a_status_that_cannot_be_written_leaves_the_old_one_and_is_tried_again(tmp_path):
    path = tmp_path / "status.json"
    path.mkdir()
    status = StatusFile(path)
    with pytest.raises(StatusNotWrittenError, match="directory"):
        await status.write({"a": 1})
    assert [entry.name for entry in tmp_path.iterdir()] == ["status.json"]
    path.rmdir()
    await status.write({"a": 1})
    assert json.loads(path.read_text()) == {"a": 1}
