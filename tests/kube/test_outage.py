"""Faults of the API server and of the way to it: what is in force stays, and whatever was missed is caught up."""

import asyncio

import pytest

from controller.kube import config_object, contact, object_watch, operator, session
from tests.cluster.fake_api import Asked
from tests.cluster.faults import Cut, Events, Garbage, Refuse, Silence, error
from tests.kube.conftest import running
from tests.kube.followed import NAME, Followed, body

EXPIRED = Events((error(),))
BROKEN = Events((error({"kind": "Status", "code": 500, "reason": "InternalError", "message": "etcd"}),))
NO_ITEMS = Garbage(b'{"metadata": {"resourceVersion": "1"}, "items": []}')  # as no JSON
NOTHING = Garbage(b'{"groups": [], "versions": [], "resources": []}', "application/json")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes ten seconds or minutes takes a fraction of one."""
    monkeypatch.setattr(contact, "LOST_AFTER", 0.3)
    monkeypatch.setattr(config_object, "SILENCE", 0.3)
    monkeypatch.setattr(object_watch, "BEGIN", 1.0)
    monkeypatch.setattr(session, "HEADERS", 0.5)
    monkeypatch.setattr(session, "LASTING", 0.2)
    monkeypatch.setattr(operator, "INACTIVE", 1.0)


@pytest.mark.parametrize(
    "fault",
    [EXPIRED, BROKEN, Refuse(410, "Expired"), Refuse(403, "Forbidden"), Refuse(404), Refuse(500), Cut(), Garbage()],
    ids=["expired", "broken", "410", "403", "404", "500", "cut", "garbage"],
)
async def test_a_change_that_happens_while_the_watch_fails_is_caught_up(prepared: Followed, fault):
    prepared.put()
    trouble = prepared.fake.fail(fault, "watch", times=3)
    async with running(prepared):
        await prepared.until(lambda: prepared.workers() == [1] and trouble.left < 3)
        prepared.put(2)
        await prepared.until(lambda: prepared.workers()[-1] == 2)
        await prepared.until(lambda: trouble.left == 0)
        prepared.put(3)
        await prepared.until(lambda: prepared.workers()[-1] == 3)
        assert prepared.complaints() == []


@pytest.mark.parametrize("again", [False, True])
async def test_a_deletion_that_no_watch_tells_of_shows_at_the_next_list(prepared: Followed, again):
    made = prepared.put()
    trouble = prepared.fake.fail(Silence(), "watch")
    async with running(prepared):
        await prepared.until(lambda: prepared.workers() == [1] and prepared.watches() == 1)
        prepared.remove(silently=True)
        if again:
            other = prepared.put()
            assert other["metadata"]["uid"] != made["metadata"]["uid"]
        trouble.end()
        prepared.fake.fail(EXPIRED, "watch", times=1)
        prepared.fake.cut()
        if again:
            await prepared.until(lambda: prepared.events[-1].config.uid == other["metadata"]["uid"])
        else:
            await prepared.until(prepared.complaints)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", [Refuse(403, "Forbidden"), Refuse(503), Refuse(401), Refuse(429, retry_after=1)])
async def test_a_refusal_is_shown_while_it_lasts(followed: Followed, fault):
    trouble = followed.fake.fail(fault)
    followed.fake.cut()
    await followed.until(followed.stale)
    assert str(fault.code) in followed.stale()[0]
    followed.put(2)
    trouble.end()
    await followed.until(lambda: followed.workers() == [1, 2] and followed.stale()[-1] == "")
    assert followed.recovered == 1


async def test_a_watch_that_ends_at_once_is_not_asked_for_again_and_again(prepared: Followed):
    prepared.put()
    prepared.fake.fail(Events(()), "watch")
    async with running(prepared):
        await prepared.until(prepared.watches)
        await asyncio.sleep(2)  # the time that is measured: a flood would be hundreds
        assert prepared.watches() < 9


@pytest.mark.parametrize(
    "fault", [Refuse(401), Garbage(), Garbage(b'{"items": '), Garbage(b'{"items": [{}]}'), Refuse(403), EXPIRED]
)
async def test_no_fault_is_answered_by_a_flood_of_requests(followed: Followed, fault):
    followed.fake.fail(fault)
    followed.fake.cut()
    before = len(followed.fake.requests())
    await asyncio.sleep(2)  # the time that is measured, as above
    assert 1 < len(followed.fake.requests()) - before < 20


async def test_a_new_token_is_taken_at_once_when_the_old_one_is_refused(followed: Followed, caplog):
    followed.fake.kubeconfig(followed.kubeconfig, "new")
    followed.fake.token = "new"
    await asyncio.sleep(1.1)  # the token must be older than a second to be read again
    followed.fake.cut()
    followed.put(2)
    await followed.until(lambda: followed.workers() == [1, 2])
    assert caplog.records == []


@pytest.mark.usefixtures("impatient")
async def test_a_start_without_an_answer_goes_on_with_the_kept_config(prepared: Followed, caplog):
    prepared.put(4)
    async with running(prepared):
        await prepared.until(prepared.keep.exists)
    prepared.events.clear()
    prepared.renew()
    silence = prepared.fake.fail(Silence(headers=False))
    async with running(prepared):
        await prepared.until(lambda: prepared.workers() == [4] and prepared.stale())
        silence.end()
        prepared.put(5)
        await prepared.until(lambda: prepared.workers() == [4, 5] and prepared.stale()[-1] == "")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", [Silence(), Silence(headers=False)])
async def test_a_watch_without_a_word_is_begun_anew(prepared: Followed, fault):
    prepared.put()
    prepared.fake.fail(fault, "watch", times=1)
    async with running(prepared):
        await prepared.until(lambda: prepared.workers() == [1] and prepared.watches())
        prepared.put(2)
        await prepared.until(lambda: prepared.workers() == [1, 2])


async def test_a_watch_that_is_deaf_is_found_out(prepared: Followed, caplog, monkeypatch):
    monkeypatch.setattr(object_watch, "PROOF", (0.3, 0.4))
    monkeypatch.setattr(object_watch, "GRACE", 0.3)
    prepared.put()
    prepared.fake.fail(Silence(), "watch", times=1)
    async with running(prepared):
        await prepared.until(lambda: prepared.workers() == [1] and prepared.watches() == 1)
        prepared.put(2)
        await prepared.until(lambda: prepared.workers() == [1, 2])
    assert "the watch is deaf" in caplog.text
    assert proofs(prepared)


async def test_an_object_without_a_spec_is_rejected_and_looked_at_like_any_other(prepared: Followed, monkeypatch):
    monkeypatch.setattr(object_watch, "PROOF", (0.1, 0.2))
    prepared.fake.put("pluginconfigs", NAME, {key: value for key, value in body().items() if key != "spec"})
    async with running(prepared):
        await prepared.until(prepared.complaints)
        assert "spec" in prepared.complaints()[0]
        await prepared.until(lambda: len(proofs(prepared)) > 1)


async def test_a_kind_that_is_served_only_after_kopf_has_looked_is_found(prepared: Followed, monkeypatch):
    monkeypatch.setattr(object_watch, "BEGIN", 0.5)
    prepared.put()
    nothing = Garbage(b'{"versions": ["v1"], "groups": [], "resources": []}', "application/json")
    unknown = prepared.fake.fail(nothing, "discover", times=3)  # /api, /apis and /api/v1, of one run of kopf
    async with running(prepared):
        await prepared.until(lambda: prepared.watches() == 1)
    assert unknown.left == 0


async def test_a_watch_that_does_not_begin_is_shown(prepared: Followed, monkeypatch):
    monkeypatch.setattr(contact, "LOST_AFTER", 0.3)
    monkeypatch.setattr(object_watch, "BEGIN", 1.0)
    await shows_until_it_is_over(prepared, NOTHING, "discover", "the watch does not begin")


async def test_a_watch_that_ends_before_it_begins_is_shown(prepared: Followed, monkeypatch):
    monkeypatch.setattr(contact, "LOST_AFTER", 0.3)
    await shows_until_it_is_over(prepared, NO_ITEMS, "list", "the watch has ended (ContentTypeError)")


async def test_a_refusal_without_an_end_is_one_without_an_answer(prepared: Followed, monkeypatch):
    monkeypatch.setattr(contact, "LOST_AFTER", 0.3)
    monkeypatch.setattr(session, "HEADERS", 0.5)
    await shows_until_it_is_over(prepared, Silence(code=403), "watch", "the API server does not answer in time")


async def shows_until_it_is_over(prepared: Followed, fault, verb: str, why: str) -> None:
    prepared.put()
    trouble = prepared.fake.fail(fault, verb)
    async with running(prepared):
        await prepared.until(prepared.stale)
        assert why in prepared.stale()[0]
        trouble.end()
        await prepared.until(lambda: prepared.stale()[-1] == "")


@pytest.mark.parametrize(("fault", "verb"), [(Garbage(b"{}"), "discover"), (NO_ITEMS, "list"), (BROKEN, "watch")])
async def test_no_log_tells_the_token(prepared: Followed, caplog, fault, verb):
    caplog.set_level("DEBUG")
    prepared.fake.kubeconfig(prepared.kubeconfig, "s3cret")
    prepared.put()
    prepared.fake.fail(fault, verb)
    async with running(prepared):
        await prepared.until(lambda: "kopf has ended" in caplog.messages)
    assert {each.token for each in prepared.fake.asked} == {"s3cret"}
    assert [record.message for record in caplog.records if "s3cret" in str(record.__dict__)] == []


async def test_the_log_has_a_line_for_each_change_of_the_world(prepared: Followed, caplog, monkeypatch):
    caplog.set_level("INFO", "controller.kube")
    monkeypatch.setattr(contact, "LOST_AFTER", 0.3)
    prepared.put()
    async with running(prepared):
        await prepared.until(lambda: "the API server tells of changes" in caplog.messages)
        trouble = prepared.fake.fail(Refuse(403, "Forbidden"))
        prepared.fake.cut()
        await prepared.until(prepared.stale)
        trouble.end()
        await prepared.until(lambda: prepared.stale()[-1] == "")
    said = [record.message for record in caplog.records if record.name.startswith("controller.kube")]
    assert said == [
        "the API server tells of changes",
        "the API server tells of no changes",
        "config is stale",
        "the API server is back",
    ]
    assert not [record for record in caplog.records if record.name.startswith("kopf")]


def proofs(prepared: Followed) -> list[Asked]:
    return [each for each in prepared.fake.requests("list") if each.query.get("resourceVersion") == "0"]
