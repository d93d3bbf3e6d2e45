"""Whatever an API server, or what stands in its place, answers: it costs a try, and never the process."""

import logging

import pytest

from controller.errors import StatusNotWrittenError
from controller.kube.pod import Pod
from controller.kube.reflector import Collection, Reflector
from controller.kube.report import Reader
from controller.kube.rest import ApiError
from controller.kube.status_object import StatusObject
from controller.kube.summary import config_seen
from tests.cluster.faults import Garbage
from tests.kube.conftest import working
from tests.kube.entries import document, entry
from tests.kube.reported import plugin, pod_status

DEEP = b'{"a":' * 1500 + b"1" + b"}" * 1500
STRANGE = [b"null", b"[1]", b"{}", b'{"metadata": null}', b'{"metadata": []}', b'{"metadata": {}}', DEEP]
LISTS = [
    b'{"metadata": {"resourceVersion": "1"}}',
    b'{"metadata": {"resourceVersion": "1"}, "items": "x"}',
    b'{"metadata": {}, "items": []}',
]
CONFIGS = Collection("pluginconfigs", "/apis/pluginmgr.dev/v1alpha1/namespaces/default/pluginconfigs")
STATUSES = Collection("pluginpodstatuses", "/apis/pluginmgr.dev/v1alpha1/namespaces/default/pluginpodstatuses")
SPEC = {"spec": {"kinds": []}}


def short(value):
    return value.decode()[:40] if isinstance(value, bytes) else None


@pytest.mark.parametrize("body", STRANGE, ids=short)
async def test_an_answer_that_is_no_object_is_an_error(body, rest, fake):
    fake.fail(Garbage(body))
    with pytest.raises(ApiError, match=r"what answers is not the API server|nested too deep") as caught:
        await rest.get(f"{CONFIGS.path}/a", {})
    assert caught.value.code == 0
    for asked in (rest.create(CONFIGS.path, SPEC), rest.merge(CONFIGS.path, SPEC), rest.apply(CONFIGS.path, "m", SPEC)):
        with pytest.raises(ApiError):
            await asked


@pytest.mark.parametrize("body", [*STRANGE, *LISTS], ids=short)
async def test_a_list_that_is_none_is_asked_for_again(body, rest, fake, until):
    fake.put("pluginconfigs", "a", SPEC)
    trouble = fake.fail(Garbage(body), "list")
    reflector = Reflector(rest, CONFIGS, config_seen)
    async with working(reflector.run()):
        await until(lambda: len(fake.requests("list")) >= 2)
        trouble.end()
        await until(lambda: "a" in reflector.items)


@pytest.mark.parametrize(
    "strange",
    [
        b"{}",
        b"7",
        b'{"type": "ADDED"}',
        b'{"type": "ADDED", "object": null}',
        b'{"type": "ERROR", "object": {"code": "no number"}}',
        b'{"type": "ERROR", "object": 7}',
        b'{"type": "BOOKMARK", "object": {}}',
        b'{"type": "ADDED", "object": {"metadata": {"name": "b"}}}',
        b'{"type": "ADDED", "object": {"metadata": {"resourceVersion": "3"}}}',
        b'{"type": "ADDED", "object": {"metadata": {"resourceVersion": 3, "name": ["b"]}}}',
        b'{"type": "ADDED", "object": ' + DEEP + b"}",
        b'{"type": "ADDED", "object": "' + b"x" * (1 << 23) + b'"}',
    ],
    ids=short,
)
async def test_an_event_that_is_none_is_asked_for_again(strange, rest, fake, until):
    fake.put("pluginconfigs", "a", SPEC)
    fake.fail(Garbage(strange + b"\n"), "watch", times=2)
    reflector = Reflector(rest, CONFIGS, config_seen)
    async with working(reflector.run()):
        await until(lambda: len(fake.requests("watch")) >= 3)
        fake.put("pluginconfigs", "c", SPEC)
        await until(lambda: {"a", "c"} <= set(reflector.items))


async def test_an_object_that_cannot_be_read_is_passed_over_and_said_once(rest, fake, until, caplog):
    caplog.set_level(logging.WARNING)
    fake.put("pluginpodstatuses", "odd", {"status": {"plugins": [{"conditions": "none"}]}})
    fake.put("pluginpodstatuses", "even", {"status": pod_status("even", plugin("x"))["status"]})
    reflector = Reflector(rest, STATUSES, Reader().read)
    async with working(reflector.run()):
        await until(lambda: reflector.is_synced)
        assert set(reflector.items) == {"even"}
        await until(lambda: fake.requests("watch"))
        fake.put("pluginpodstatuses", "odd", {"status": {"plugins": [7]}})
        fake.put("pluginpodstatuses", "later", {"status": {}})
        await until(lambda: set(reflector.items) == {"even", "later"})
    said = [each for each in caplog.records if each.getMessage() == "object cannot be read: it is passed over"]
    assert [each.object for each in said] == ["odd"]


async def test_what_was_known_of_an_object_that_cannot_be_read_any_more_is_forgotten(rest, fake, until):
    fake.put("pluginpodstatuses", "odd", {"status": {}})
    reflector = Reflector(rest, STATUSES, Reader().read)
    async with working(reflector.run()):
        await until(lambda: reflector.items)
        await until(lambda: fake.requests("watch"))
        fake.put("pluginpodstatuses", "odd", {"status": {"plugins": [7]}})
        await until(lambda: not reflector.items)


@pytest.mark.parametrize("body", STRANGE, ids=short)
async def test_a_status_that_was_answered_strangely_is_written_again(body, rest, fake):
    status = StatusObject(rest, Pod("web-0", "default", "u"), lambda noted: None)
    fake.fail(Garbage(body), "patch", times=1)
    with pytest.raises(StatusNotWrittenError):
        await status.write(document(entry(1)))
    await status.write(document(entry(1)))
    fake.fail(Garbage(body), "get", times=1)
    assert await status._is_there() is None
