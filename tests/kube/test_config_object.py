"""What becomes of the object's states: told once each, the last good one kept."""

import asyncio
import threading

import pytest

from controller.config.document import from_object
from controller.core.events import ConfigRead
from controller.kube import config_object
from tests.cluster.faults import Refuse
from tests.kube.conftest import running
from tests.kube.followed import DEADLINE, NAME, Followed


async def test_a_change_is_told_and_a_change_of_its_status_is_not(followed: Followed):
    followed.put(2)
    await followed.until(lambda: followed.workers() == [1, 2])
    followed.fake.put("pluginconfigs", NAME, {"status": {"pods": {"total": 3}}})
    followed.put(3)
    await followed.until(lambda: followed.workers() == [1, 2, 3])
    assert [each.config.generation for each in followed.events if isinstance(each, ConfigRead)] == [1, 2, 3]


async def test_a_config_that_is_deleted_is_missing_until_another_is_there_under_its_name(followed: Followed):
    (first,) = [each.config.uid for each in followed.events if isinstance(each, ConfigRead)]
    followed.remove()
    await followed.until(followed.complaints)
    assert followed.complaints() == [f"pluginconfigs {NAME} is not there in namespace default"]
    made = followed.put(1)
    await followed.until(lambda: followed.workers() == [1, 1])
    assert followed.events[-1].config.uid == made["metadata"]["uid"] != first


@pytest.mark.parametrize("changes", [(), (2,), (2, 3), (2, 3, 4, 5)], ids=len)
async def test_what_is_told_late_of_a_deleted_object_is_not_said_of_its_successor(followed: Followed, changes):
    made = followed.replace(9, *changes)
    await followed.until(lambda: 9 in followed.workers())
    followed.put(10)
    await followed.until(lambda: 10 in followed.workers())
    last = followed.events[-2:]
    assert [each.config.uid for each in last if isinstance(each, ConfigRead)] == [made["metadata"]["uid"]] * 2


async def test_a_config_that_is_not_there_yet_is_taken_when_it_is_made(prepared: Followed):
    async with running(prepared):
        await prepared.until(lambda: prepared.complaints() and prepared.watches())
        assert prepared.workers() == []
        prepared.put(2)
        await prepared.until(lambda: prepared.workers() == [2])


async def test_an_object_that_breaks_a_rule_is_rejected_and_the_last_good_one_kept(followed: Followed):
    followed.put(-1)
    await followed.until(followed.complaints)
    assert followed.workers() == [1]
    assert "spec.kinds[rule].defaults.workers" in followed.complaints()[0]
    followed.put(2)
    await followed.until(lambda: followed.workers() == [1, 2])


async def test_a_field_that_only_a_newer_definition_knows_is_a_warning(followed: Followed, caplog):
    followed.put(2, fromTheFuture=1)
    await followed.until(lambda: followed.workers() == [1, 2])
    assert "fromTheFuture" in str([record.__dict__ for record in caplog.records if record.message == "config warning"])


async def test_what_is_kept_for_the_next_start_has_nothing_of_the_api_servers_own(followed: Followed):
    await followed.until(followed.keep.exists)
    kept = followed.keep.read_text()
    assert "uid" in kept
    assert "resourceVersion" not in kept
    assert "status" not in kept


async def test_it_asks_only_for_this_object_and_only_for_what_it_needs(followed: Followed):
    asked = [each for each in followed.fake.requests() if each.verb != "discover"]
    assert {(each.verb, each.place.resource) for each in asked} == {
        ("list", "pluginconfigs"),
        ("watch", "pluginconfigs"),
    }
    assert {each.query["fieldSelector"] for each in asked} == {f"metadata.name={NAME}"}
    assert {each.place.namespace for each in asked} == {"default"}
    assert 240 <= int(followed.fake.requests("watch")[0].query["timeoutSeconds"]) <= 360


async def test_a_server_that_does_not_know_the_kind_is_asked_again_until_it_does(prepared: Followed):
    unknown = prepared.fake.fail(Refuse(404))
    async with running(prepared):
        await prepared.until(prepared.complaints)
        assert prepared.complaints() == [
            "the API server knows no PluginConfig of pluginmgr.dev: its definition is not installed"
        ]
        prepared.put(2)
        unknown.end()
        await prepared.until(lambda: prepared.workers() == [2])
        assert prepared.stale() == []


async def test_requests_are_counted_by_verb_resource_and_code(followed: Followed):
    wanted = {("list", "pluginconfigs", "200"), ("watch", "pluginconfigs", "200"), ("get", "", "200")}
    await followed.until(lambda: wanted <= set(followed.observed))


async def test_a_change_of_its_status_holds_no_change_of_its_spec_up(followed: Followed, monkeypatch):
    is_judging, is_told, judged = threading.Event(), threading.Event(), []

    def judge(shape, **how):
        judged.append(shape)
        is_judging.set()
        assert is_told.wait(DEADLINE)
        return from_object(shape, **how)

    monkeypatch.setattr(config_object, "from_object", judge)
    made = followed.put(2)
    assert await asyncio.to_thread(is_judging.wait, DEADLINE)
    told = []
    monkeypatch.setattr(config_object, "_pods", lambda body: told.append(body) or 0)
    followed.fake.put("pluginconfigs", NAME, {**made, "status": {"ready": "0/1"}})
    await followed.until(lambda: told)
    is_told.set()
    await followed.until(lambda: followed.workers() == [1, 2])
    assert len(judged) == 1
