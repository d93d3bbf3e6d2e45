"""The fake does right what a client needs, and wrong what a test wants, to a real client."""

import json
from pathlib import Path

import aiohttp
import pytest
from kubernetes.aio import client, config, watch
from kubernetes.aio.client.exceptions import ApiException

from tests.cluster.fake_api import OURS, FakeApi
from tests.cluster.faults import Cut, Events, Garbage, Refuse, Silence, error

SPEC = {"spec": {"kinds": []}}
CONFIGS = (*OURS, "default", "pluginconfigs")


@pytest.fixture
async def custom(fake: FakeApi, tmp_path: Path):
    settings = client.Configuration()
    await config.load_kube_config(str(fake.kubeconfig(tmp_path / "kubeconfig")), client_configuration=settings)
    async with client.ApiClient(settings) as api:
        yield client.CustomObjectsApi(api)


async def events(custom: client.CustomObjectsApi, count: int, **query):
    found = []
    async with watch.Watch().stream(custom.list_namespaced_custom_object, *CONFIGS, **query) as stream:
        async for event in stream:
            found.append((event["type"], event["object"]["metadata"]["generation"]))
            if len(found) == count:
                return found
    return found


async def test_it_gets_lists_and_patches_as_a_server_does(fake: FakeApi, custom: client.CustomObjectsApi):
    made = fake.put("pluginconfigs", "x", SPEC)
    assert await custom.get_namespaced_custom_object(*CONFIGS, "x") == made
    await custom.patch_namespaced_custom_object(*CONFIGS, "x", {"spec": {"kinds": [1]}})
    (item,) = (await custom.list_namespaced_custom_object(*CONFIGS, field_selector="metadata.name=x"))["items"]
    assert (item["metadata"]["generation"], item["metadata"]["uid"]) == (2, made["metadata"]["uid"])
    assert (await custom.list_namespaced_custom_object(*CONFIGS, field_selector="metadata.name=y"))["items"] == []
    fake.remove("pluginconfigs", "x")
    with pytest.raises(ApiException) as gone:
        await custom.get_namespaced_custom_object(*CONFIGS, "x")
    assert gone.value.status == 404
    assert [each.verb for each in fake.requests(resource="pluginconfigs")] == ["get", "patch", "list", "list", "get"]


async def test_a_watch_tells_what_changed_since_and_what_changes(fake: FakeApi, custom: client.CustomObjectsApi):
    since = fake.put("pluginconfigs", "x", SPEC)["metadata"]["resourceVersion"]
    fake.put("pluginconfigs", "x", {"spec": {"kinds": [1]}})
    fake.remove("pluginconfigs", "x", silently=True)
    fake.put("pluginconfigs", "x", SPEC)
    assert await events(custom, 2, resource_version=since) == [("MODIFIED", 2), ("ADDED", 1)]


async def test_a_fault_is_met_so_many_times_or_until_it_is_ended(fake: FakeApi, custom: client.CustomObjectsApi):
    fake.put("pluginconfigs", "x", SPEC)
    fake.fail(Refuse(429, retry_after=3), "get", times=1)
    trouble = fake.fail(Refuse(403, "Forbidden"), "list")
    with pytest.raises(ApiException) as busy:
        await custom.get_namespaced_custom_object(*CONFIGS, "x")
    assert (busy.value.status, busy.value.headers["Retry-After"]) == (429, "3")
    await custom.get_namespaced_custom_object(*CONFIGS, "x")
    for _ in range(2):
        with pytest.raises(ApiException) as refused:
            await custom.list_namespaced_custom_object(*CONFIGS)
        assert refused.value.status == 403
    trouble.end()
    await custom.list_namespaced_custom_object(*CONFIGS)


async def test_only_the_newest_token_is_let_in(fake: FakeApi, custom: client.CustomObjectsApi):
    fake.token = "new"
    with pytest.raises(ApiException) as unknown:
        await custom.list_namespaced_custom_object(*CONFIGS)
    assert unknown.value.status == 401
    custom.api_client.configuration.api_key["BearerToken"] = "Bearer new"
    await custom.list_namespaced_custom_object(*CONFIGS)
    assert [each.token for each in fake.requests("list")] == ["any", "new"]


async def read(fake: FakeApi, path: str = "/apis/pluginmgr.dev/v1alpha1/namespaces/default/pluginconfigs?watch=1"):
    async with aiohttp.ClientSession() as session, session.get(fake.url + path) as response:
        return response.status, await response.read()


async def test_a_stream_may_tell_that_it_expired_or_the_status_may(fake: FakeApi):
    fake.fail(Events((error(),)), "watch", times=1)
    status, body = await read(fake)
    assert (status, json.loads(body)["object"]["code"]) == (200, 410)
    fake.fail(Refuse(410, "Expired"), "watch", times=1)
    assert (await read(fake))[0] == 410


async def test_a_stream_may_be_cut_in_the_middle_of_an_event(fake: FakeApi):
    fake.fail(Cut(events=({"type": "BOOKMARK"},)), "watch")
    path = "/apis/pluginmgr.dev/v1alpha1/pluginconfigs?watch=1"
    async with aiohttp.ClientSession() as session, session.get(fake.url + path) as response:
        assert json.loads(await response.content.readline()) == {"type": "BOOKMARK"}
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.content.readline()


@pytest.mark.parametrize("headers", [True, False])
async def test_a_silent_request_is_held_and_the_fake_still_ends(fake: FakeApi, *, headers: bool):
    fake.fail(Silence(headers=headers), "watch")
    path = "/apis/pluginmgr.dev/v1alpha1/pluginconfigs?watch=1"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.2)) as session:
        asked = session.get(fake.url + path)
        if headers:
            asked = (await asked).read()
        with pytest.raises(TimeoutError):
            await asked
    assert len(fake.requests("watch")) == 1


async def test_an_answer_may_be_no_json(fake: FakeApi):
    fake.fail(Garbage(), "discover", times=1)
    assert (await read(fake, "/apis"))[1].startswith(b"<html>")
    assert json.loads((await read(fake, "/apis"))[1])["groups"][0]["name"] == "pluginmgr.dev"
