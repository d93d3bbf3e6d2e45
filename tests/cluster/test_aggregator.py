"""What the aggregator writes to a real API server, and what it leaves alone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from controller.kube.access import Access
from controller.kube.aggregator import Aggregator
from controller.kube.report import Reader, Report
from controller.kube.rest import Rest
from controller.kube.summary import ConfigSeen, config_seen
from tests.cluster.api import MERGE, Object
from tests.cluster.eventually import until
from tests.cluster.namespace import Namespace
from tests.cluster.replica import ACCOUNT, aggregator_account
from tests.kube.reported import condition, failing, pod_status

SPEC = {"kinds": [{"name": "rule", "adapter": "rule"}]}


@pytest.fixture
def access(namespace: Namespace, tmp_path: Path) -> Access:
    aggregator_account(namespace)
    return Access.find(namespace.kubeconfig(tmp_path / "kubeconfig", namespace.token(ACCOUNT)), {})


@pytest.fixture
def made(namespace: Namespace) -> ConfigSeen:
    return config_seen(namespace.config("rules", SPEC))


@asynccontextmanager
async def aggregating(
    access: Access, namespace: Namespace, config: ConfigSeen, may: Callable[[], bool] = lambda: True
) -> AsyncIterator[Aggregator]:
    """One that knows this config, and is told what the test tells it."""
    async with Rest(access) as rest:
        aggregator = Aggregator(rest, namespace.name, may)
        aggregator.config_changed(None, config)
        running = asyncio.create_task(aggregator.run())
        try:
            yield aggregator
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


class Pod:
    """Pod web-0, as the aggregator hears of it."""

    def __init__(self, aggregator: Aggregator, config: ConfigSeen) -> None:
        self.aggregator = aggregator
        self.config = config
        self.said: Report | None = None

    def say(self, *plugins: Object) -> None:
        """Let it say something for the first time, or other than before."""
        before, self.said = self.said, Reader().read(pod_status("web-0", *plugins, config_uid=self.config.uid))
        self.aggregator.report_changed(before, self.said)


def now(namespace: Namespace) -> Object:
    found = namespace.find(namespace.ours("pluginconfigs/rules"))
    assert found is not None
    return found


async def test_a_write_that_is_late_is_refused(namespace: Namespace, access: Access, made: ConfigSeen) -> None:
    current = namespace.cluster.api(
        "PATCH",
        namespace.ours("pluginconfigs/rules/status"),
        {"status": {"ready": "7/7", "observedGeneration": 1}},
        content_type=MERGE,
    )
    async with aggregating(access, namespace, made) as aggregator:  # which has not seen that yet
        await until(lambda: aggregator.failures > 1)
        assert now(namespace)["metadata"]["resourceVersion"] == current["metadata"]["resourceVersion"]
        aggregator.config_changed(made, config_seen(current))
        await until(lambda: aggregator.writes)
    assert now(namespace)["status"]["ready"] == "0/0"


async def test_a_config_made_again_under_its_name_does_not_get_the_summary_of_the_one_before(
    namespace: Namespace, access: Access, made: ConfigSeen
) -> None:
    namespace.cluster.api("DELETE", namespace.ours("pluginconfigs/rules"))
    namespace.config("rules", SPEC)
    async with aggregating(access, namespace, made) as aggregator:
        await until(lambda: aggregator.failures > 1)
    assert "status" not in now(namespace)


async def test_what_others_write_there_is_replaced_once(namespace: Namespace, access: Access, made: ConfigSeen) -> None:
    path = namespace.ours("pluginconfigs/rules/status")
    others = {**condition("Reviewed", "True", "Reviewed"), "observedGeneration": 1}
    async with aggregating(access, namespace, made) as aggregator:
        await until(lambda: aggregator.writes == 1)
        body = {"apiVersion": "pluginmgr.dev/v1alpha1", "kind": "PluginConfig", "metadata": {"name": "rules"}}
        written = namespace.cluster.apply(path, body | {"status": {"conditions": [others]}}, "reviewer")
        aggregator.config_changed(aggregator.accounts["rules"].config, config_seen(written))
        await until(lambda: aggregator.writes == 2)
        for _ in range(3):
            aggregator.config_changed(aggregator.accounts["rules"].config, config_seen(now(namespace)))
            await until(lambda: aggregator.accounts["rules"].pace.first == float("inf"))
        assert aggregator.writes == 2
    kinds = [each["type"] for each in now(namespace)["status"]["conditions"]]
    assert sorted(kinds) == ["Degraded", "Progressing", "Ready"]


async def test_tries_of_one_failure_are_told_seldom_and_news_at_once(
    namespace: Namespace, access: Access, made: ConfigSeen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.kube.aggregator.SLOWLY", 8.0)
    async with aggregating(access, namespace, made) as aggregator:
        account = aggregator.accounts["rules"]
        pod = Pod(aggregator, made)
        pod.say(failing("x", message="failed 3 times"))
        await until(lambda: aggregator.writes == 1)
        pod.say(failing("x", message="failed 4 times"))
        took = await until(lambda: aggregator.writes == 2)
        assert took > 6.0
        assert now(namespace)["status"]["failures"][0]["message"] == "failed 4 times"
        pod.say(failing("x", message="failed 5 times"))
        await until(lambda: account.pace.first > account.pace.written + 6.0)
        pod.say(failing("x", "WrongCookie"))
        assert await until(lambda: aggregator.writes == 3) < 6.0


async def test_one_that_may_not_write_does_not_and_does_when_it_may(
    namespace: Namespace, access: Access, made: ConfigSeen
) -> None:
    asked: list[None] = []

    def may() -> bool:
        asked.append(None)
        return len(asked) > 5

    async with aggregating(access, namespace, made, may) as aggregator:
        await until(lambda: len(asked) == 5)
        assert not aggregator.writes
        await until(lambda: aggregator.writes == 1)
