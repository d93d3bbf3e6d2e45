"""What a plugin says of its health by itself, and streams that are not what they should be."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from controller.goplugin import HealthTicker, Schedule
from tests.goplugin.place import GO_HANDSHAKE, Place, until

WATCHED = """
import threading, grpc, plugin_base as base
served = base.Handlers.service
def service(self, details):
    if details.method.endswith('/Watch'): return grpc.unary_stream_rpc_method_handler(watch)
    if details.method.endswith('/ServerReflectionInfo'): return grpc.unary_stream_rpc_method_handler(watch)
    return served(self, details)
base.Handlers.service = service
base.Plugin().run()
"""


@pytest.mark.go
async def test_a_watched_plugin_that_complains_is_found_out_before_its_period_is_over(
    place: Place, ticker: HealthTicker
) -> None:
    told: list[str] = []
    plugin = place.write(
        "import os, threading, time, grpc, plugin_base as base\n"
        "trigger = os.environ['TRIGGER']\n"
        "bad = threading.Event()\n"
        "def health(request, context): return base.NOT_SERVING if bad.is_set() else base.SERVING\n"
        "def watch(request, context):\n"
        "    yield base.SERVING\n"
        "    while not os.path.exists(trigger): time.sleep(0.005)\n"
        "    bad.set()\n"
        "    yield base.NOT_SERVING\n"
        "served = base.Handlers.service\n"
        "def service(self, details):\n"
        "    if details.method.endswith('/Watch'): return grpc.unary_stream_rpc_method_handler(watch)\n"
        "    return served(self, details)\n"
        "base.Handlers.service = service\n"
        "base.Plugin(health=health).run()\n"
    )
    trigger = place.root / "trigger"
    async with place.launch(plugin, env={"TRIGGER": str(trigger)}) as session:
        schedule = Schedule(period=1000, timeout=0.1, threshold=2, watch=True)
        ticker.watch(session, lambda: schedule, told.append)
        trigger.touch()
        await until(lambda: told != [])
    assert told == ["health check says NOT_SERVING (2 times in a row)"]


@pytest.mark.go
async def test_a_watch_where_none_is_offered_changes_nothing(place: Place, ticker: HealthTicker, go_plugin) -> None:
    told: list[str] = []
    checks: list[str] = []
    schedule = Schedule(period=0.02, timeout=1, threshold=1, watch=True)

    def counted(name: str) -> Callable[[float], Coroutine[Any, Any, str]]:
        async def ask(_seconds: float) -> str:
            checks.append(name)
            return ""

        return ask

    async with place.launch("good") as without, place.launch(go_plugin("grpc"), GO_HANDSHAKE) as offered:
        wards = [
            ticker.watch(session, lambda: schedule, told.append, counted(name))
            for name, session in {"without": without, "offered": offered}.items()
        ]
        await until(lambda: min(map(checks.count, ("without", "offered"))) > 5)
        for ward in wards:
            ward.close()
        await without.stop(1, 1)
        await offered.stop(1, 1)
    assert told == []


async def test_what_cannot_be_read_in_a_stream_is_no_status_and_no_services(place: Place) -> None:
    plugin = place.write(
        "def watch(request, context):\n    yield b'\\xff\\xff\\xff'\n    yield b'\\x08\\x02'\n" + WATCHED
    )
    told: list[int] = []
    async with place.launch(plugin) as session:
        await session.watch_health(told.append)
        assert told == [2]
        assert await session.services(1) is None


async def test_a_watch_without_end_is_listened_to_at_leisure_and_then_no_more(place: Place) -> None:
    plugin = place.write(
        "import os\n"
        "def watch(request, context):\n"
        "    try:\n"
        "        while context.is_active(): yield base.SERVING\n"
        "    finally:\n"
        "        open(os.environ['ENDED'], 'w')\n" + WATCHED
    )
    told: list[float] = []
    ended = place.root / "ended"
    async with place.launch(plugin, env={"ENDED": str(ended)}) as session, asyncio.timeout(60):
        await session.watch_health(lambda _: told.append(asyncio.get_running_loop().time()))
        await until(ended.exists)
    assert 20 <= len(told) <= 100
    assert (told[-1] - told[0]) / (len(told) - 1) >= 0.05
