"""Orders that hold on any machine, however busy; the figures themselves are the business of `make bench`.

Of both sides the best of some rounds is compared: noise only ever adds.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bench import one_plugin, small
from tests.bench.bench_step import Fleet
from tests.bench.followed import Followed, followed
from tests.tools import build

ROUNDS = 5


@pytest.fixture(scope="module")
def program() -> Path:
    return build.build("go-plugin-1.8.0-grpc")


@pytest.fixture(scope="module")
def running(program: Path) -> Iterator[Followed]:
    """A controller with one plugin that serves, named "one"."""
    with followed() as rig:
        rig.put(rig.stage(program, "one"))
        rig.spec(defaults={"restart": {"initialDelayMilliseconds": 10}})
        rig.start()
        rig.seen("registered")
        yield rig


@pytest.fixture(scope="module")
def bare(program: Path) -> float:
    """Seconds from the spawn of the bare plugin to its first health answer."""
    return min(one_plugin.bare(program)[0] for _ in range(ROUNDS))


def best(rounds: Callable[[int], float]) -> float:
    return min(rounds(number) for number in range(ROUNDS))


@pytest.mark.go
def test_a_killed_worker_is_back_within_a_few_bare_starts(running: Followed, bare: float) -> None:
    def kill(_: int) -> float:
        running.until_state("one", "Serving")
        (pid,) = running.pids("one")
        running.forget()
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        return running.seen("registered", name="one") - began

    assert best(kill) < 4 * bare + 0.05


@pytest.mark.go
def test_a_plugin_renamed_into_place_is_found_by_its_event_and_not_by_a_rescan(
    running: Followed, program: Path, bare: float
) -> None:
    def rename(number: int) -> float:
        staged = running.stage(program, f"new-{number}", str(number))
        began = running.put(staged)
        return running.seen("registered", name=staged.name) - began

    assert best(rename) < 4 * bare + 0.5  # a rescan comes after eight seconds at the earliest


@pytest.mark.go
def test_a_flag_that_is_edited_ends_its_plugin_long_before_any_rescan(running: Followed) -> None:
    def disable(_: int) -> float:
        running.until_state("one", "Serving")
        gone = one_plugin.exit_of(running.pids("one")[0])
        began = running.edit({"one": {"enabled": False}})
        took = next(gone) - began
        running.until_state("one", "Disabled")
        running.edit({"one": {"enabled": True}})
        return took

    assert best(disable) < 0.5  # the file is read again after ten seconds in any case


def test_help_costs_a_few_bare_interpreters() -> None:
    pairs = [(small.run("-m", "controller", "--help"), small.run("-c", "pass")) for _ in range(ROUNDS)]
    ours, bare = (min(column) for column in zip(*pairs, strict=True))
    assert ours < 10 * bare


def test_a_step_about_one_plugin_costs_the_same_however_many_others_there_are() -> None:
    fleets = {size: Fleet(size) for size in (10, 1000)}
    for number in range(200):
        for fleet in fleets.values():
            fleet.cycle(number)
    for event, costs in fleets[10].costs.items():
        assert min(fleets[1000].costs[event]) < 3 * min(costs), event


@pytest.mark.go
def test_health_checks_in_a_shared_tick_cost_less_than_one_by_one(program: Path) -> None:
    (row,) = small.checks(program, count=10, rounds=ROUNDS)
    assert row.bare is not None
    assert row.ours < row.bare
