"""What needs no controller: one step of the core, a rescan, `--help`, health checks in ticks."""

import asyncio
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path

from controller.goplugin.health import Health
from tests.bench.bench_launch import bare_one
from tests.bench.bench_step import Fleet
from tests.bench.table import Row

HERE = Path(__file__).resolve().parent
STEP_LIMIT = 50  # microseconds
HELP_LIMIT = 150  # milliseconds


def steps(sizes: tuple[int, ...] = (10, 200, 2000), rounds: int = 500) -> list[Row]:
    """The dearest event about one plugin, at each size; bare is the smallest size."""
    fleets = {size: Fleet(size) for size in sizes}
    for number in range(rounds):
        for fleet in fleets.values():
            fleet.cycle(number)
    worst = {size: max(map(statistics.median, fleet.costs.values())) * 1e6 for size, fleet in fleets.items()}
    return [
        Row(f"one step, {size} plugins", rounds, cost, "us", worst[sizes[0]], STEP_LIMIT)
        for size, cost in worst.items()
    ]


def rescan() -> list[Row]:
    """The table's line of the benchmark that has it all."""
    done = subprocess.run([sys.executable, HERE / "bench_rescan.py"], capture_output=True, text=True, check=False)
    found = re.search(r"([\d.]+) ms, bare ([\d.]+) ms", done.stdout)
    if not found:
        raise RuntimeError(f"bench_rescan.py printed no figures: {done.stdout}{done.stderr}")
    ours, bare = map(float, found.groups())
    return [Row("rescan of 10,000 unchanged files", 40, ours, bare=bare, limit=1.5 * bare, budget="= 1.5 x bare")]


def usage(rounds: int = 20) -> list[Row]:
    """`pluginmgr --help` beside an interpreter that does nothing."""
    ours, bare = [], []
    for _ in range(rounds):
        bare.append(run("-c", "pass"))
        ours.append(run("-m", "controller", "--help"))
    plain = statistics.median(bare) * 1000
    return [Row("pluginmgr --help", rounds, statistics.median(ours) * 1000, bare=plain, limit=HELP_LIMIT)]


def run(*arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def checks(program: Path, count: int = 20, rounds: int = 20) -> list[Row]:
    """CPU of one health check in a tick of twenty, and of one alone."""
    return asyncio.run(_checks(str(program), count, rounds))


async def _checks(program: str, count: int, rounds: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as directory:
        running = [await bare_one(program, directory) for _ in range(count)]
        try:
            healths = [Health(channel) for _, channel in running]
            pairs = [(await _cpu(_tick(healths)), await _cpu(_apart(healths))) for _ in range(rounds)]
        finally:
            for pid, channel in running:
                await channel.close()
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
    each, single = (statistics.median(column) / count * 1e6 for column in zip(*pairs, strict=True))
    return [Row("CPU of a health check in a shared tick", rounds, each, "us", single, single, "= one by one")]


async def _tick(healths: list[Health]) -> None:
    for sent in [each.begin_check(5) for each in healths]:
        await sent


async def _apart(healths: list[Health]) -> None:
    for each in healths:
        await each.begin_check(5)
        await asyncio.sleep(0.01)  # each wakes an idle process, as it would alone


async def _cpu(work: Awaitable[object]) -> float:
    began = time.process_time()
    await work
    return time.process_time() - began
