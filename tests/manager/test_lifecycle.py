"""The plugin's own ping and shutdown, and its death while it is greeted: adapters' code costs its own worker only."""

import asyncio
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from controller.core.model import Health, Reported, StopTimes
from controller.manager.adapter import AdapterError, Dispensed
from controller.manager.host_messages import RegisterMessage, UnregisterMessage, UpdateMessage
from tests.manager.house import DEADLINE, House, house

OFTEN = Health(period=0.05, timeout=1.0, failure_threshold=2)  # a busy machine takes half a second for an answer
PATIENT = replace(OFTEN, timeout=20.0)


class Life:
    """A lifecycle whose calls a test gives."""

    def __init__(self, ping=None, shutdown=None):
        self.pings, self.shutdowns = 0, 0
        self._asked = asyncio.Event()
        self._ping, self._shutdown = ping, shutdown

    async def ping(self):
        self.pings += 1
        self._asked.set()
        if self._ping:
            await self._ping()

    async def shutdown(self):
        self.shutdowns += 1
        self._asked.set()
        if self._shutdown:
            await self._shutdown()

    async def until(self, fits):
        async with asyncio.timeout(DEADLINE):
            while not fits():
                self._asked.clear()
                await self._asked.wait()


def giving(*lives: Life):
    """Answer the handshakes of one worker after the other."""
    left = list(lives)

    async def answer():
        return Dispensed("item", lifecycle=left.pop(0) if len(left) > 1 else left[0])

    return answer


async def fail():
    raise ZeroDivisionError("tried")


async def hang():
    await asyncio.get_running_loop().create_future()


async def leave():
    sys.exit(4)


async def insist():
    """Hang, whoever cancels."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + 2
    while (left := ends - loop.time()) > 0:
        try:
            await asyncio.sleep(left)
        except asyncio.CancelledError:
            continue


@pytest.fixture
def root(tmp_path_factory):
    return Path(tmp_path_factory.mktemp("m"))


async def registered(here: House) -> RegisterMessage:
    await here.until(lambda: here.told(RegisterMessage))
    return here.told(RegisterMessage)[0]


@pytest.mark.parametrize(
    ("ping", "text"),
    [
        (fail, "ping failed: ZeroDivisionError: tried (2 times in a row)"),
        (leave, "ping failed: SystemExit: 4 (2 times in a row)"),
        (hang, "ping got no answer within 1 s (2 times in a row)"),
        (insist, "ping got no answer within 1 s (2 times in a row)"),
    ],
)
async def test_a_worker_whose_ping_is_bad_is_unhealthy_though_its_health_answers(root, ping, text):
    health = OFTEN if "no answer" in text else PATIENT
    async with house(root, giving(Life(ping), Life()), health) as here:
        here.want("good")
        await here.until(lambda: here.plugin.last_exit)
        assert (here.plugin.last_exit.reason, here.plugin.last_exit.message) == ("Unhealthy", text)


async def test_who_hangs_in_ping_costs_its_sibling_nothing(root):
    well = Life()
    async with house(root, giving(Life(insist), well, Life()), OFTEN) as here:
        here.want("good", workers=2)
        await here.until(lambda: here.told(UpdateMessage))
        (left,) = here.told(UpdateMessage)[0].workers
        before = well.pings
        await well.until(lambda: well.pings >= before + 3)
        assert left.worker in here.plugin.workers


async def test_a_lifecycle_that_has_no_ping_is_a_bad_one(root):
    async with house(root, giving(object(), Life()), PATIENT) as here:
        here.want("good")
        await here.until(lambda: here.plugin.last_exit)
        assert "ping failed: AttributeError" in here.plugin.last_exit.message


async def test_shutdown_is_told_after_the_drain_and_while_the_plugin_still_serves(root):
    seen = []

    async def shutdown():
        os.kill(pid, 0)
        seen.append(await here.adapter.stub.unary_unary("/zoo.Echo/Call")(b"still there"))

    async with house(root, giving(Life(shutdown=shutdown))) as here:
        here.want("good", stop=StopTimes(10.0, 1.0))
        pid = (await registered(here)).workers[0].pid
        here.want("good", enabled=False, stop=StopTimes(10.0, 1.0))
        await here.until(lambda: here.told(UnregisterMessage))
        assert seen == []
        (message,) = here.told(UnregisterMessage)
        message.on_drained(message.draining[0])
        await here.until(lambda: not here.plugin.workers)
        assert seen == [b"still there"]


@pytest.mark.parametrize(
    ("shutdown", "text"),
    [(fail, "ZeroDivisionError: tried"), (hang, "no answer within 0.3 s"), (leave, "SystemExit: 4")],
)
async def test_a_shutdown_that_fails_is_logged_and_the_plugin_stopped(root, shutdown, text, caplog):
    caplog.set_level(logging.WARNING)
    async with house(root, giving(Life(shutdown=shutdown))) as here:
        here.want("good", stop=StopTimes(0.3, 1.0))
        (worker,) = (await registered(here)).workers
        here.want("good", enabled=False, stop=StopTimes(0.3, 1.0))
        await here.until(lambda: here.told(UnregisterMessage))
        here.told(UnregisterMessage)[0].on_drained(worker.worker)
        await here.until(lambda: not here.plugin.workers)
        with pytest.raises(ProcessLookupError):
            os.kill(worker.pid, 0)
    (record,) = [each for each in caplog.records if "shutdown" in each.message]
    assert (record.problem, record.worker) == (text, worker.worker)


async def test_a_kill_does_not_wait_for_shutdown(root):
    life = Life(shutdown=hang)
    async with house(root, giving(life)) as here:
        here.want("good", stop=StopTimes(60.0, 60.0))
        (worker,) = (await registered(here)).workers
        here.want("good", enabled=False, stop=StopTimes(60.0, 60.0))
        await here.until(lambda: here.told(UnregisterMessage))
        here.told(UnregisterMessage)[0].on_drained(worker.worker)
        await life.until(lambda: life.shutdowns)
        here.manager.kill_all()
        await here.until(lambda: not here.plugin.workers)


@pytest.mark.parametrize(("env", "reason"), [({}, "Exited"), ({"ZOO_SIGNAL": "9"}, "Killed")])
async def test_a_process_that_ends_while_it_is_greeted_shows_its_exit_at_once(root, env, reason):
    async with house(root, hang) as here:
        here.want("crashes", env, start_timeout=60.0)
        await here.until(lambda: here.plugin.last_exit)
        last = here.plugin.last_exit
        assert last.reason == reason
        assert last.message.startswith("the process ended during the adapter's handshake: ")
        assert here.messages == []


async def test_the_exit_explains_a_call_that_it_broke(root):
    async def answer():
        await here.adapter.stub.unary_unary("/zoo.Echo/Call")(b"", metadata=(("delay-ms", "30000"),))

    async with house(root, answer) as here:
        here.want("crashes", start_timeout=60.0)
        await here.until(lambda: here.plugin.last_exit)
        assert here.plugin.last_exit.reason == "Exited"


async def test_a_call_that_is_cancelled_by_somebody_else_fails_the_handshake(root):
    async def answer():
        raise asyncio.CancelledError

    async with house(root, answer) as here:
        here.want("good")
        await here.until(lambda: here.plugin.last_exit)
        assert here.plugin.last_exit.reason == "AdapterFailed"
        assert "a call was cancelled" in here.plugin.last_exit.message


async def test_a_failed_call_is_told_in_one_line(root):
    async def answer():
        await here.adapter.stub.unary_unary("/no.Such/Method")(b"")

    async with house(root, answer) as here:
        here.want("good")
        await here.until(lambda: here.plugin.last_exit)
        assert here.plugin.last_exit.message == "adapter 'standard': UNIMPLEMENTED Method not found!"


@pytest.mark.parametrize("reported", [None, Reported(id=None), Reported(id=["x"]), Reported("x", metadata={})])
async def test_what_is_no_text_never_reaches_the_core(root, reported):
    async def answer():
        return Dispensed("item", reported)

    async with house(root, answer) as here:
        here.want("good")
        await here.until(lambda: here.plugin.last_exit)
        assert here.plugin.last_exit.reason == "AdapterFailed"
        assert "not Reported with texts" in here.plugin.last_exit.message


@pytest.mark.parametrize("size", [2**18, 2**18 + 1])
async def test_what_a_plugin_says_of_itself_is_bounded_in_bytes(root, size):
    async def answer():
        return Dispensed("item", Reported("i", "n" * (size % 2), "é" * (size // 2 - 1) + "x"))

    async with house(root, answer) as here:
        here.want("good")
        await here.until(lambda: here.plugin.last_exit or here.messages)
        assert bool(here.messages) == (size == 2**18)
        if not here.messages:
            said = "it gave 262145 bytes about the plugin, and at most 262144 are taken"
            assert here.plugin.last_exit.message == f"adapter 'standard': {said}"


@pytest.mark.parametrize("concurrency", ["2", 1.5, True, 0, -1, 2**31], ids=repr)
async def test_a_number_of_calls_that_is_none_fails_that_worker_and_nobody_hears_of_it(root, concurrency):
    async with house(root) as here:
        here.adapter.concurrency = concurrency
        here.want("good")
        await here.until(lambda: here.plugin.last_exit or here.messages)
        assert here.messages == []
        assert here.plugin.last_exit.reason == "AdapterFailed"
        said = f"its concurrency is {concurrency!r}, neither None nor a number from 1 to 2147483647"
        assert said in here.plugin.last_exit.message


@pytest.mark.parametrize("concurrency", [None, 1, 2**31 - 1], ids=repr)
async def test_a_number_of_calls_reaches_the_hosts(root, concurrency):
    async with house(root) as here:
        here.adapter.concurrency = concurrency
        here.want("good")
        await here.until(lambda: here.told(RegisterMessage))
        assert [each.concurrency for each in here.told(RegisterMessage)[0].workers] == [concurrency]


async def test_a_handshake_that_refuses_to_end_holds_up_no_stop(root):
    async with house(root, insist) as here:
        here.want("good", start_timeout=60.0)
        await here.until(lambda: here.adapter.stub is not None or here.plugin.last_exit)
        here.want("good", enabled=False)
        await here.until(lambda: not here.plugin.workers)
        assert here.messages == []


async def test_a_refusal_is_told_as_the_adapter_said_it(root):
    async def answer():
        raise AdapterError("GetMetadata: identity.id is empty")

    async with house(root, answer) as here:
        here.want("good")
        await here.until(lambda: here.plugin.last_exit)
        assert here.plugin.last_exit.message == "adapter 'standard': GetMetadata: identity.id is empty"
