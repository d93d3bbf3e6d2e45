"""No call is lost, nor waits long, while plugins are swapped, flagged and resized under full load.

The load host is another process, with 32 callers at full speed; once with the Python client, once with the Go one.
"""

import time
from collections.abc import Callable
from functools import partial
from itertools import cycle, zip_longest
from statistics import median
from typing import Any

import pytest

from tests.calls import amounts
from tests.calls.load import HOSTS, Host, host
from tests.calls.moves import SWIFT, Moves
from tests.e2e.proc import tagged
from tests.e2e.rig import Rig

pytestmark = [pytest.mark.go, pytest.mark.slow]
WINDOWS = 8
QUIET = 0.4  # seconds of a window in which nothing changes
WORKERS = 2


def served(controller: Rig, program: str, workers: int = WORKERS, **fields: Any) -> Moves:
    """A controller with a plugin that hosts call, and another plugin."""
    controller.install(program, "called")
    controller.install("echo", "other")
    controller.configure({"called": SWIFT | {"workers": workers} | fields, "other": SWIFT})
    controller.start()
    controller.until_served("called")
    controller.until_served("other")
    moves = Moves(controller, "called", "other", workers)
    moves.settled()
    return moves


def alternating(moves: Moves, swaps: int, others: int) -> list[Callable[[], None]]:
    """So many swaps, every second one a changed launch spec; `others` flips of the other plugin, as many resizes."""
    sizes = (3, 1, 4, 2)
    more = [[moves.flip, partial(moves.resize, size)] for size, _ in zip(cycle(sizes), range(others), strict=False)]
    both = zip_longest(range(swaps), more, fillvalue=[])
    return [each for number, two in both for each in (moves.relaunch if number % 2 else moves.swap, *two)]


def in_windows(load: Host, what: list[Callable[[], None]]) -> tuple[list[float], list[float]]:
    """Do it in some windows, with quiet ones between: the p99 of each quiet one and of each other, in ms."""
    quiet, moving = [], []
    for number in range(WINDOWS):
        load.mark("between")
        time.sleep(QUIET)
        quiet.append(load.mark(f"quiet-{number}")["p99_ms"])
        for move in what[number::WINDOWS]:
            move()
        moving.append(load.mark(f"moving-{number}")["p99_ms"])
    return quiet, moving


@pytest.mark.parametrize(("program", "count"), [("echo", amounts.of(100, 100)), ("good", amounts.of(100, 8))])
@pytest.mark.parametrize("language", HOSTS)
@pytest.mark.timeout(600)
def test_no_call_is_lost_while_plugins_change(
    controller: Rig, capsys: pytest.CaptureFixture[str], language: str, program: str, count: int
):
    others = amounts.of(count, count // 2)
    moves = served(controller, program)
    began = time.monotonic()
    with host(language, controller.run, "zoo/called", "--host", language) as load:
        quiet, moving = in_windows(load, alternating(moves, count, others))
        final = load.quit()
    ratio = median(moving) / median(quiet)
    with capsys.disabled():
        print(
            f"\n{language} host, {program}: {count} swaps, {others} flips, {others} resizes "
            f"in {time.monotonic() - began:.1f} s; "
            f"{final['calls']} calls, {final['failed']} failed; p99 {median(quiet):.2f} ms quiet, "
            f"{median(moving):.2f} ms moving, ratio {ratio:.2f}, slowest {final['max_ms']:.1f} ms"
        )
    assert (final["failed"], final["failures"]) == (0, [])
    assert final["tries"] == final["calls"]
    assert load.wrong() == []
    assert ratio <= amounts.latency_ratio()
    moves.settled()
    known = [each["pid"] for plugin in ("called", "other") for each in moves.all(plugin).values()]
    assert sorted(tagged(controller.instance)) == sorted(known)  # old processes are gone, with all that they had
    assert controller.terminate() == 0
    assert controller.leftovers() == []
