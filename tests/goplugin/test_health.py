"""Health: the status is read, many plugins are asked together, and failures are counted."""

import asyncio

import pytest

from controller.goplugin import Failure, HealthError, HealthTicker, LaunchError, Schedule, Session
from controller.goplugin.ticker import BATCH
from tests.goplugin.place import Place, until

# Says what stands in a file, so that a test can change its mind.
MOODY = """
import os, plugin_base as base, pathlib, time, grpc
mood = pathlib.Path(os.environ['MOOD'])
def health(request, context):
    word = mood.read_text()
    with open(os.environ['MOOD'] + '.asked', 'a') as log: log.write(word + '\\n')
    if word == 'hang': time.sleep(5)
    if word == 'fail': context.abort(grpc.StatusCode.INTERNAL, 'broken')
    if word == 'garbage': return b'\\xff\\xff\\xff'
    if word == 'odd': return b'\\x08\\x2a'
    return base.SERVING if word == 'serving' else base.NOT_SERVING
base.Plugin(health=health).run()
"""


class Mood:
    def __init__(self, place: Place) -> None:
        self.path = place.root / "mood"
        self.set("serving")

    def set(self, word: str) -> None:
        scratch = self.path.with_suffix(".new")
        scratch.write_text(word)
        scratch.replace(self.path)

    def asked(self) -> list[str]:
        return self.path.with_suffix(".asked").read_text().split()


@pytest.fixture
def mood(place: Place) -> Mood:
    return Mood(place)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("not", "health check says NOT_SERVING"),
        ("odd", "health check says 42"),
        ("garbage", "health check got an answer that cannot be read"),
        ("fail", "health check failed: INTERNAL broken"),
        ("hang", r"health check got no answer within 0\.2 s"),
    ],
)
async def test_all_but_serving_is_a_failure(place: Place, mood: Mood, word: str, message: str) -> None:
    async with place.launch(place.write(MOODY), env={"MOOD": str(mood.path)}) as session:
        await session.check(2)
        mood.set(word)
        with pytest.raises(HealthError, match=message):
            await session.check(0.2)
        mood.set("serving")
        await session.check(2)


async def test_failures_in_a_row_are_counted_and_told_once(place: Place, mood: Mood, ticker: HealthTicker) -> None:
    told: list[str] = []
    async with place.launch(place.write(MOODY), env={"MOOD": str(mood.path)}) as session:
        mood.set("not")
        ticker.watch(session, lambda: Schedule(period=0.05, timeout=1, threshold=3), told.append)
        await until(lambda: told != [])
        assert mood.asked().count("not") == 3
        checks: list[float] = []  # of another one, while a fourth of this one must not come
        other: Session = FakeSession(checks)  # type: ignore[assignment]
        ticker.watch(other, lambda: Schedule(period=0.05, timeout=1, threshold=3), told.append)
        await until(lambda: len(checks) == 4)
        assert told == ["health check says NOT_SERVING (3 times in a row)"]
        assert mood.asked().count("not") == 3


async def test_one_success_forgives(place: Place, mood: Mood, ticker: HealthTicker) -> None:
    told: list[str] = []
    async with place.launch(place.write(MOODY), env={"MOOD": str(mood.path)}) as session:
        ticker.watch(session, lambda: Schedule(period=0.15, timeout=1, threshold=2), told.append)
        for _ in range(3):
            failures, successes = mood.asked().count("not"), mood.asked().count("serving")
            mood.set("not")
            await until(lambda failures=failures: mood.asked().count("not") == failures + 1)
            mood.set("serving")
            await until(lambda successes=successes: mood.asked().count("serving") > successes)
    assert told == []


async def test_a_closed_watch_and_a_dead_plugin_are_asked_no_more(
    place: Place, mood: Mood, ticker: HealthTicker
) -> None:
    told: list[str] = []
    async with place.launch(place.write(MOODY), env={"MOOD": str(mood.path)}) as session:
        watch = ticker.watch(session, lambda: Schedule(period=0.03, timeout=1, threshold=1), told.append)
        await until(lambda: len(mood.asked()) > 3)
        watch.close()
        watch.close()
        await until(lambda: ticker._waiting == [])
        ticker.watch(session, lambda: Schedule(period=0.03, timeout=1, threshold=1), told.append)
        session.kill()
    await until(lambda: ticker._waiting == [])
    assert told == []


async def test_a_watch_that_is_closed_under_its_check_is_over(ticker: HealthTicker) -> None:
    asked = asyncio.Event()
    answered = asyncio.Event()

    async def ask(_seconds: float) -> str:
        asked.set()
        await answered.wait()
        return ""

    checks: tuple[list[float], list[float]] = ([], [])
    closed, other = (FakeSession(each) for each in checks)
    schedule = Schedule(period=0.01, timeout=1, threshold=1)
    watch = ticker.watch(closed, lambda: schedule, lambda _: None, ask)  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        await asked.wait()
    watch.close()
    answered.set()
    ticker.watch(other, lambda: schedule, lambda _: None)  # type: ignore[arg-type]
    await until(lambda: len(checks[1]) > 3)
    assert len(checks[0]) == 1


async def test_a_hanging_plugin_does_not_hold_up_the_others(place: Place, mood: Mood, ticker: HealthTicker) -> None:
    told: list[str] = []
    moody = place.write(MOODY)
    other = Mood(place)
    other.path = place.root / "other"
    other.set("serving")
    async with (
        place.launch(moody, env={"MOOD": str(mood.path)}) as hanging,
        place.launch(moody, env={"MOOD": str(other.path)}) as good,
    ):
        mood.set("hang")
        ticker.watch(hanging, lambda: Schedule(period=0.01, timeout=30, threshold=1), told.append)
        await until(lambda: "hang" in mood.asked())
        ticker.watch(good, lambda: Schedule(period=0.01, timeout=1, threshold=1), told.append)
        await until(lambda: len(other.asked()) > 4)
    assert told == []


class FakeSession:
    """Notes when it is asked."""

    def __init__(self, log: list[float]) -> None:
        self.pid = 1
        self.exit = asyncio.get_running_loop().create_future()
        self._log = log

    def begin_check(self, _timeout: float):
        self._log.append(asyncio.get_running_loop().time())
        return asyncio.sleep(0)


async def test_a_session_that_ends_under_its_check_takes_no_other_with_it(
    place: Place, mood: Mood, ticker: HealthTicker
) -> None:
    told: list[str] = []
    other = Mood(place)
    other.path = place.root / "other"
    other.set("serving")
    moody = place.write(MOODY)
    async with place.launch(moody, env={"MOOD": str(other.path)}) as staying:
        async with place.launch(moody, env={"MOOD": str(mood.path)}) as leaving:
            mood.set("hang")
            for session in (leaving, staying):  # in one batch, the hanging one first
                ticker.watch(session, lambda: Schedule(period=0.1, timeout=30, threshold=1), told.append)
            await until(lambda: "hang" in mood.asked())
        asked = len(other.asked())
        await until(lambda: len(other.asked()) > asked + 2)
    assert told == []


async def test_a_check_that_its_session_ends_is_a_failure_and_no_cancellation(place: Place, mood: Mood) -> None:
    async with place.launch(place.write(MOODY), env={"MOOD": str(mood.path)}) as session:
        mood.set("hang")
        check = asyncio.create_task(session.check(30))
        await until(lambda: "hang" in mood.asked())
        await session.channel.close()
        with pytest.raises(HealthError, match="ended with the session"):
            await check


async def test_a_crash_is_told_by_its_exit_and_not_as_bad_health(place: Place, ticker: HealthTicker) -> None:
    told: list[str] = []
    for _ in range(5):
        async with place.launch("good") as session:
            ticker.watch(session, lambda: Schedule(period=0.001, timeout=1, threshold=1), told.append)
            await asyncio.sleep(0.01)
            session.kill()
            await session.exit
    await until(lambda: ticker._waiting == [])
    assert told == []


async def test_checks_go_out_in_shared_ticks(ticker: HealthTicker) -> None:
    log: list[float] = []
    sessions: list[Session] = [FakeSession(log) for _ in range(100)]  # type: ignore[misc]
    for session in sessions:
        ticker.watch(session, lambda: Schedule(period=0.5, timeout=1, threshold=1), lambda _: None)
    await until(lambda: len(log) == 100)
    ticks = [later for earlier, later in zip([0.0, *log], log, strict=False) if later - earlier > 0.02]
    assert len(ticks) == 100 / BATCH


async def test_a_start_with_answers_that_cannot_be_read_fails_and_says_so(place: Place) -> None:
    plugin = place.write("import plugin_base as base\nbase.Plugin(health=lambda *_: b'\\xff\\xff\\xff').run()\n")
    with pytest.raises(LaunchError, match="cannot be read") as caught:
        async with place.launch(plugin, start_timeout=1.5):
            pytest.fail("it came up")
    assert caught.value.failure is Failure.NOT_SERVING


async def test_who_hangs_with_a_long_timeout_does_not_delay_its_batch(
    place: Place, mood: Mood, ticker: HealthTicker
) -> None:
    told: list[str] = []
    other = Mood(place)
    other.path = place.root / "other"
    other.set("serving")
    moody = place.write(MOODY)
    async with (
        place.launch(moody, env={"MOOD": str(mood.path)}) as hanging,
        place.launch(moody, env={"MOOD": str(other.path)}) as bad,
    ):
        mood.set("hang")
        other.set("not")
        ticker.watch(hanging, lambda: Schedule(period=0.1, timeout=30, threshold=1), lambda _: None)
        ticker.watch(bad, lambda: Schedule(period=0.1, timeout=1, threshold=1), told.append)  # in the same batch
        await until(lambda: told != [], 3)
    assert told == ["health check says NOT_SERVING"]


async def test_a_closed_channel_is_bad_health_and_no_end_of_the_ticker(place: Place, ticker: HealthTicker) -> None:
    told: list[str] = []
    async with place.launch("good") as session:
        await session.channel.close()
        schedule = Schedule(period=0.01, timeout=1, threshold=2, watch=True)
        ticker.watch(session, lambda: schedule, told.append)
        await until(lambda: told != [])
    assert "closed" in told[0]


async def test_a_question_goes_out_with_each_check_and_counts_like_it(ticker: HealthTicker) -> None:
    told: list[str] = []
    asked: list[float] = []
    answers = ["", "no", "", "no", "no again"]

    async def ask(seconds: float) -> str:
        asked.append(seconds)
        return answers[len(asked) - 1]

    checks: list[float] = []
    session = FakeSession(checks)
    ticker.watch(session, lambda: Schedule(period=0.02, timeout=1, threshold=2), told.append, ask)  # type: ignore[arg-type]
    await until(lambda: told)
    assert told == ["no again (2 times in a row)"]
    assert asked == [1] * len(answers)
    assert len(checks) == len(answers)


async def test_a_question_is_given_up_when_the_check_has_told_enough(
    place: Place, mood: Mood, ticker: HealthTicker
) -> None:
    told: list[str] = []
    given_up = asyncio.Event()

    async def ask(_seconds: float) -> str:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            given_up.set()
        raise AssertionError

    async with place.launch(place.write(MOODY), env={"MOOD": str(mood.path)}) as session:
        mood.set("not")
        ticker.watch(session, lambda: Schedule(period=0.02, timeout=5, threshold=1), told.append, ask)
        await until(lambda: told)
        async with asyncio.timeout(10):
            await given_up.wait()
    assert told == ["health check says NOT_SERVING"]
