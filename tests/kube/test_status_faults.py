"""What the API server can do wrong costs a try, and never more."""

import asyncio

import pytest

from controller.errors import StatusNotWrittenError
from controller.kube.pod import Pod
from controller.kube.status_object import StatusObject
from tests.cluster.faults import Cut, Fault, Garbage, Refuse
from tests.kube.entries import document, entry

POD = Pod("web-0", "default", "u")


@pytest.fixture
def status(rest):
    return StatusObject(rest, POD, lambda noted: None)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Refuse(429, "TooManyRequests"), "429"),
        (Refuse(500, "InternalError"), "500"),
        (Refuse(503, "ServiceUnavailable"), "503"),
        (Refuse(409, "Conflict"), "409"),
        (Refuse(404, "NotFound"), "CRD pluginpodstatuses.pluginmgr.dev installed"),
        (Refuse(403, "Forbidden"), "look at the Role"),
        (Refuse(401, "Unauthorized"), "service account"),
        (Garbage(), "not the API server"),
        (Garbage(b""), "not the API server"),
        (Cut(), "cannot be reached"),
    ],
    ids=str,
)
async def test_it_says_why_and_the_next_try_is_written(status, fake, fault: Fault, why: str):
    trouble = fake.fail(fault, "patch")
    with pytest.raises(StatusNotWrittenError) as caught:
        await status.write(document(entry(1)))
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
    trouble.end()
    await status.write(document(entry(1)))
    assert fake.find("pluginpodstatuses", "web-0")["status"] == document(entry(1))["status"]


@pytest.mark.parametrize(("asked", "least", "most"), [(7, 7, 7), (3600, 60, 60), (0, 0.1, 0.2)])
async def test_who_asks_to_wait_is_believed_within_reason(status, fake, asked, least, most):
    fake.fail(Refuse(429, "TooManyRequests", retry_after=asked), "patch")
    with pytest.raises(StatusNotWrittenError) as caught:
        await status.write(document(entry(1)))
    assert least <= caught.value.retry_after <= most


async def test_what_is_called_too_large_is_halved_until_it_is_taken(status, fake):
    fake.fail(Refuse(413, "RequestEntityTooLarge"), "patch", times=3)
    large = document(*(entry(number) for number in range(1500)))
    for _ in range(3):
        with pytest.raises(StatusNotWrittenError):
            await status.write(large)
    await status.write(large)
    first, *_, last = [len(each.body["status"]["plugins"]) for each in fake.requests("patch")]
    assert first == 1500
    assert last < 500
    (condition,) = [
        each for each in fake.requests("patch")[-1].body["status"]["conditions"] if each["type"] == "Truncated"
    ]
    assert "plugins are left out" in condition["message"]


@pytest.mark.parametrize(("code", "is_cut"), [(422, False), (500, True)])
async def test_only_the_store_is_believed_to_mean_the_size(status, fake, code, is_cut):
    fake.fail(Refuse(code, "trying to send message larger than max"), "patch", times=2)
    for _ in range(2):
        with pytest.raises(StatusNotWrittenError):
            await status.write(document(*(entry(number) for number in range(1500))))
    await status.write(document(*(entry(number) for number in range(1500))))
    assert (len(fake.requests("patch")[-1].body["status"]["plugins"]) < 1500) == is_cut


async def test_what_was_too_large_once_is_tried_again_when_it_was_taken(status, fake):
    large = document(*(entry(number) for number in range(1500)))
    fake.fail(Refuse(413, "RequestEntityTooLarge"), "patch", times=3)
    for _ in range(3):
        with pytest.raises(StatusNotWrittenError):
            await status.write(large)
    for _ in range(4):
        await status.write(large)
    *_, shortest, _, _, last = [len(each.body["status"]["plugins"]) for each in fake.requests("patch")]
    assert shortest < 500
    assert last == 1500


async def test_more_plugins_than_the_schema_takes_are_not_cut_unsaid(status, fake):
    await status.write(document(*(entry(number, is_well=number < 4200) for number in range(4201))))
    (sent,) = fake.requests("patch")
    assert "Truncated" in {each["type"] for each in sent.body["status"]["conditions"]}
    assert sent.body["status"]["plugins"][-1]["name"] == "plugin-4200"


async def test_who_is_no_pod_writes_none(rest, fake):
    status = StatusObject(rest, Pod("web-0", "default"), lambda noted: None)
    await status.write(document(entry(1)))
    assert await status._is_there()
    assert fake.requests() == []


async def test_the_time_since_when_it_is_cut_stays(status, fake):
    large = document(*(entry(number) for number in range(1500)))
    for _ in range(2):
        await status.write(large)
        await asyncio.sleep(1.1)
    times = {
        each["lastTransitionTime"]
        for asked in fake.requests("patch")
        for each in asked.body["status"]["conditions"]
        if each["type"] == "Truncated"
    }
    assert len(times) == 1
