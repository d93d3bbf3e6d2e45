"""kill -9 under full load: lost is only what had been sent to the killed process, and nothing that may be repeated."""

import time

import pytest

from tests.calls import amounts
from tests.calls.load import HOSTS, host
from tests.calls.moves import Moves
from tests.calls.test_changes import served
from tests.e2e.proc import tagged, until_gone
from tests.e2e.rig import Rig

pytestmark = [pytest.mark.go, pytest.mark.slow]
CALLERS = 32
EJECTED = 0.25  # seconds, generous: by then a host has seen the first failure and sends nothing more


def killed(moves: Moves, count: int) -> dict[str, float]:
    """Kill so many workers one after the other, a sibling always ready; when each was, by worker."""
    return dict(moves.kill(number % moves.workers) for number in range(count))


@pytest.mark.parametrize(("program", "count"), [("echo", amounts.of(100, 100)), ("good", amounts.of(100, 8))])
@pytest.mark.parametrize("language", HOSTS)
@pytest.mark.timeout(300)
def test_no_idempotent_call_is_lost_to_kills(controller: Rig, language: str, program: str, count: int):
    moves = served(controller, program)
    with host(language, controller.run, "zoo/called", "--idempotent") as load:
        assert len(killed(moves, count)) == count
        final = load.quit()
    assert (final["failed"], final["failures"]) == (0, [])
    assert final["tries"] > final["calls"]  # some were on their way to a killed worker, and went to another one
    assert load.wrong() == []


@pytest.mark.parametrize("language", HOSTS)
@pytest.mark.timeout(300)
def test_other_calls_are_lost_only_with_the_killed_worker(controller: Rig, language: str):
    moves = served(controller, "echo")
    with host(language, controller.run, "zoo/called", "--callers", str(CALLERS)) as load:
        when = killed(moves, amounts.of(100, 50))
        final = load.quit()
    assert 0 < final["failed"] == len(final["failures"])
    lost = {worker: [each for each in final["failures"] if each["worker"] == worker] for worker in when}
    assert sum(map(len, lost.values())) == final["failed"]  # no other worker's call failed
    for worker, failures in lost.items():
        assert len(failures) <= CALLERS  # each caller has one call on its way
        assert [each for each in failures if each["sent"] > when[worker] + EJECTED] == []


@pytest.mark.parametrize("language", HOSTS)
def test_a_killed_controller_takes_its_workers_along_and_hosts_go_on_with_the_next(controller: Rig, language: str):
    moves = served(controller, "echo")
    with host(language, controller.run, "zoo/called", "--idempotent", "--timeout", "30s") as load:
        pids = [each["pid"] for plugin in ("called", "other") for each in moves.all(plugin).values()]
        controller.kill()
        began = time.monotonic()
        for pid in pids:
            until_gone(pid)
        gone = time.monotonic() - began
        assert tagged(controller.instance) == []
        controller.start()
        controller.until_served("called")
        back = load.mark("outage")["time"]
        after = load.wait_for("second", lambda line: line["time"] > back + 1 and line["calls"] > 100)
        final = load.quit()
    assert gone < 0.1
    assert after["failed"] == 0
    assert (final["failed"], final["failures"]) == (0, [])
