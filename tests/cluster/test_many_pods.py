"""Many pods on one config: what they cost the API server grows with their number, and nothing costs nothing."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from controller.kube.status_object import RATE
from tests.cluster.api import ApiError
from tests.cluster.control_plane import ControlPlane
from tests.cluster.cut import wire_to
from tests.cluster.fleet import NAME, fleet, until
from tests.cluster.in_pod import InPod
from tests.cluster.namespace import Namespace
from tests.cluster.replica import ACCOUNT, Replica, aggregator_account

FEW, MANY = 50, 200
DEBOUNCE = 2.0  # seconds between two summaries
WATCH = ("watch", "pluginconfigs")
QUIET = 4.0  # seconds in which nothing may be written

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one edit made of it: requests of all pods, bytes over their wire both ways, writes of the summary.

    `requests` are those of a quiet time after it too; `failures` of them were not answered in time, or refused.
    """

    requests: Counter[str]
    failures: int
    bytes: int
    summaries: int
    seconds: float


@pytest.fixture
def summed_up(namespace: Namespace, tmp_path: Path):
    """An aggregator at work, and whether its summary says that so many pods follow this generation and are ready."""
    aggregator_account(namespace)
    replica = Replica(namespace, tmp_path / "aggregator", "a").start()

    def fits(pods: int, generation: int) -> bool:
        status = namespace.cluster.api("GET", namespace.ours(f"pluginconfigs/{NAME}")).get("status", {})
        outdated = status.get("pods", {}).get("outdated")
        said = (status.get("ready"), status.get("observedGeneration"), outdated)
        return said == (f"{pods}/{pods}", generation, 0)

    yield fits
    replica.kill()


async def test_one_edit_costs_one_write_of_each_pod_and_a_quiet_time_none(
    namespace: Namespace, control_plane: ControlPlane, summed_up, tmp_path: Path
):
    generations = count(1)
    inside = InPod(namespace, tmp_path / "account", "web")

    def asked(account: str) -> list[tuple[str, str]]:
        return [(each.verb, each.resource) for each in control_plane.audit.requests(namespace.user(account))]

    async def edit() -> int:
        generation = next(generations)
        await asyncio.to_thread(namespace.config, NAME, {"kinds": [], "paused": generation % 2 == 0})
        return generation

    async def quiet() -> None:
        """Writes end: where the machine is slow, one that was not answered in time is made again."""
        async with asyncio.timeout(10 * QUIET):
            before = -1
            while before != (now := sum(verb == "patch" for verb, _ in asked(inside.account))):
                before = now
                await asyncio.sleep(QUIET)

    async def cost(pods: int) -> Cost:
        watched = asked(inside.account).count(WATCH)
        with wire_to(namespace.cluster.address) as wire:
            async with fleet(inside, wire.address, pods, tmp_path / str(pods)) as cores:
                now = await edit()
                await until(lambda: summed_up(pods, now))
                await until(lambda: asked(inside.account).count(WATCH) - watched >= pods)
                await quiet()
                before, sums, carried = len(asked(inside.account)), len(asked(ACCOUNT)), wire.forwarded
                failures = -sum(core.writer.failures for core in cores)
                now = await edit()
                seconds = await until(lambda: summed_up(pods, now))
                carried = wire.forwarded - carried
                summaries = asked(ACCOUNT)[sums:].count(("patch", "pluginconfigs/status"))
                await quiet()
                requests = Counter(" ".join(each) for each in asked(inside.account)[before:])
                failures += sum(core.writer.failures for core in cores)
        await asyncio.to_thread(forget, pods)
        return Cost(requests, failures, carried, summaries, seconds)

    def forget(pods: int) -> None:
        for number in range(pods):
            namespace.delete_pod(f"many-{number}")
            with suppress(ApiError):  # the aggregator may have been here
                namespace.cluster.api("DELETE", namespace.ours(f"pluginpodstatuses/many-{number}"))

    few, many = await cost(FEW), await cost(MANY)
    for pods, each in ((FEW, few), (MANY, many)):
        print(f"{pods} pods, one edit: {each}")
        writes, looks = (each.requests.pop(f"{verb} pluginpodstatuses", 0) for verb in ("patch", "get"))
        # Whether one that was not answered got through, nobody knows; it is made again. Without such it is one each.
        assert pods <= writes <= pods + each.failures
        assert looks <= pods  # by the clock, each half a minute to a minute after its start, whoever edits what
        assert each.requests.total() <= 0.1 * pods  # watches that were begun anew
        assert each.summaries <= 1 + each.seconds / DEBOUNCE
    # Each pod has a request, and hears of the config and of each summary.
    share = [each.bytes / pods / (1 + each.summaries) for pods, each in ((FEW, few), (MANY, many))]
    assert share[1] < 1.5 * share[0]
    assert many.seconds > 0.8 * MANY / RATE - 1
