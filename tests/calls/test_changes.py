"""No call is lost, nor waits long, while plugins are swapped, flagged and resized under full load.

The load host is another process, with 32 callers at full speed; once with the Python client, once with the Go one.
"""

import time
from collections.abc import Callable
from functools import partial
from itertools import cycle
from statistics import median
from typing import Any

import pytest

from tests.calls import amounts
from tests.calls.load import HOSTS, Host, host
from tests.calls.moves import SWIFT, Moves
from tests.e2e.proc import is_alive
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


def alternating(moves: Moves, count: int) -> list[Callable[[], None]]:
    """So many swaps, every second one a changed launch spec; as many flips of the other plugin; as many resizes."""
    sizes = (3, 1, 4, 2)
    one: list[Callable[[], None]] = []
    for number, size in zip(range(count), cycle(sizes), strict=False):
        one += [moves.relaunch if number % 2 else moves.swap, moves.flip, partial(moves.resize, size)]
    return one


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
    moves = served(controller, program)
    began = time.monotonic()
    seen: dict[str, int] = {}
    with host(language, controller.run, "zoo/called", "--host", language) as load:
        steps = alternating(moves, count)
        quiet, moving = in_windows(load, [lambda move=move: (move(), seen.update(pids(moves))) for move in steps])
        final = load.quit()
    ratio = median(moving) / median(quiet)
    with capsys.disabled():
        print(
            f"\n{language} host, {program}: {count} swaps, flips and resizes in {time.monotonic() - began:.1f} s; "
            f"{final['calls']} calls, {final['failed']} failed; p99 {median(quiet):.2f} ms quiet, "
            f"{median(moving):.2f} ms moving, ratio {ratio:.2f}, slowest {final['max_ms']:.1f} ms"
        )
    assert (final["failed"], final["failures"]) == (0, [])
    assert final["tries"] == final["calls"]
    assert load.wrong() == []
    assert ratio <= amounts.latency_ratio()
    living = pids(moves)
    assert [worker for worker, pid in seen.items() if worker not in living and is_alive(pid)] == []
    assert controller.terminate() == 0
    assert controller.leftovers() == []


def pids(moves: Moves) -> dict[str, int]:
    """The workers that there are now."""
    return {worker: each["pid"] for worker, each in moves.all("called").items()}
