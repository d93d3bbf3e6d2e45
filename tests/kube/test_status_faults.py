"""What the API server can do wrong costs a try, and never more."""

import asyncio

import pytest

from controller.errors import StatusNotWrittenError
from controller.kube.access import Access
from controller.kube.pod import Pod
from controller.kube.rest import Rest
from controller.kube.status_object import StatusObject
from tests.cluster.faults import Cut, Fault, Garbage, Refuse
from tests.kube.entries import document, entry

POD = Pod("web-0", "default", "u")


@pytest.fixture
def access(fake, tmp_path):
    return Access.find(fake.kubeconfig(tmp_path / "kubeconfig"), {})


@pytest.fixture
async def status(access):
    async with Rest(access) as rest:
        yield StatusObject(rest, POD, lambda noted: None)


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
