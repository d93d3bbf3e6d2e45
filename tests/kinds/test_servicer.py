"""A plugin's hooks, called as a host calls them."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import grpc.aio
import pytest

from controller.kinds import (
    Alert,
    Confidence,
    Enrichment,
    Formatter,
    Matcher,
    Plugin,
    Rule,
    RuleMatch,
    Severity,
    TuningRule,
)
from controller.kinds.pb import common_pb2, enrichment_pb2, formatter_pb2, matcher_pb2, rule_pb2, tuning_rule_pb2
from controller.kinds.servicer import Servicer
from tests.kinds.conftest import served
from tests.kinds.stubs import STUBS

Serve = Callable[[Plugin], Any]
ALERT = common_pb2.Alert(
    id="1",
    rule_id="r",
    title="Login",
    severity=common_pb2.SEVERITY_HIGH,
    confidence=common_pb2.CONFIDENCE_LOW,
    created_unix_milliseconds=1795560000000,
    events=2,
    tags=["t"],
    event_json='{"user": "ann"}',
    context_json='{"limit": 3, "geo": null}',
)
BAD_ALERT = common_pb2.Alert(event_json="[]")


def events(*texts: str) -> Iterable[common_pb2.Event]:
    return [common_pb2.Event(json=text) for text in texts]


async def evaluate(stub: Any, *texts: str, **options: Any) -> Any:
    request = rule_pb2.EvaluateBatchRequest(events=events(*texts))
    return (await stub.EvaluateBatch(request, **options)).items


def errors(items: Iterable[Any]) -> list[str]:
    return [item.error.message for item in items]


# --- what each kind does


class Gives(Rule):
    """Gives what it is told to, from a table by the event's `gives`."""

    def __init__(self, **table: Any) -> None:
        self.table = table

    def evaluate(self, event: dict[str, Any]) -> Any:
        found = self.table[event["gives"]]
        if isinstance(found, Exception):
            raise found
        return found


async def test_a_rule_gives_a_match_yes_no_or_nothing(serve: Serve) -> None:
    match = RuleMatch("Title", "More", Severity.LOW, ("host",), {"n": 1})
    stub = await serve(Gives(match=match, bare=RuleMatch(), yes=True, no=False, nothing=None))
    texts = (f'{{"gives": "{word}"}}' for word in ("match", "bare", "yes", "no", "nothing"))
    full, *others = await evaluate(stub, *texts)
    assert full == rule_pb2.Evaluation(
        matched=True,
        title="Title",
        description="More",
        severity=common_pb2.SEVERITY_LOW,
        merge_by_keys=["host"],
        context_json='{"n": 1}',
    )
    yes, no = rule_pb2.Evaluation(matched=True), rule_pb2.Evaluation()
    assert others == [yes, yes, no, no]


async def test_a_rule_does_not_see_events_without_the_subkeys_that_it_needs(serve: Serve) -> None:
    class Picky(Rule):
        req_subkeys = ("user.name", "ip")

        def evaluate(self, event: dict[str, Any]) -> bool:
            assert event["user"]["name"] is None
            return True

    seen = '{"user": {"name": null}, "ip": 1}'
    skipped = ('{"user": {"name": 1}}', '{"user": "name", "ip": 1}', '{"user.name": 1, "ip": 1}', '{"ip": 1}')
    items = await evaluate(await serve(Picky()), seen, *skipped)
    assert [item.matched for item in items] == [True, False, False, False, False]
    assert errors(items) == [""] * 5


async def test_a_matcher_passes_events(serve: Serve) -> None:
    class OnlyProd(Matcher):
        def match(self, event: dict[str, Any]) -> Any:
            return event.get("prod")

    request = matcher_pb2.MatchBatchRequest(events=events('{"prod": true}', '{"prod": false}', "{}"))
    items = (await (await serve(OnlyProd())).MatchBatch(request)).items
    assert [item.matched for item in items] == [True, False, False]
    assert errors(items) == ["", "", "match() gave NoneType, not a bool"]


async def test_an_enrichment_is_put_over_the_context(serve: Serve) -> None:
    class Geo(Enrichment):
        def enrich(self, alert: Alert) -> Any:
            return {"geo": alert.event["user"]} if alert.id else None

    request = enrichment_pb2.EnrichBatchRequest(alerts=[ALERT, BAD_ALERT, common_pb2.Alert()])
    items = (await (await serve(Geo())).EnrichBatch(request)).items
    assert items[0].context_json == '{"limit": 3, "geo": "ann"}'
    assert errors(items) == ["", "the alert's event is no JSON object", "enrich() gave NoneType, not a dict"]


async def test_a_formatter_sees_the_whole_alert(serve: Serve) -> None:
    seen: list[Alert] = []

    class Summary(Formatter):
        def format(self, alert: Alert) -> Any:
            seen.append(alert)
            return {"text": alert.title} if alert.title else [1]

    request = formatter_pb2.FormatBatchRequest(alerts=[ALERT, common_pb2.Alert()])
    items = (await (await serve(Summary())).FormatBatch(request)).items
    assert items[0].result_json == '{"text": "Login"}'
    assert errors(items) == ["", "what format() gave is list, not a dict"]
    assert seen[0] == Alert(
        id="1",
        rule_id="r",
        rule_name="",
        title="Login",
        description="",
        severity=Severity.HIGH,
        confidence=Confidence.LOW,
        log_type="",
        created_unix_milliseconds=1795560000000,
        merge_by_keys=(),
        events=2,
        tags=("t",),
        enrichments=(),
        event={"user": "ann"},
        context={"limit": 3, "geo": None},
    )


async def test_a_tuning_rule_says_where_it_applies(serve: Serve) -> None:
    class Noisy(TuningRule):
        def tune(self, alert: Alert) -> bool:
            return alert.events > 1

    request = tuning_rule_pb2.TuneBatchRequest(alerts=[ALERT, common_pb2.Alert()])
    items = (await (await serve(Noisy())).TuneBatch(request)).items
    assert [item.applies for item in items] == [True, False]


# --- what goes wrong with one item


async def test_whatever_happens_to_one_item_is_that_items_error(serve: Serve) -> None:
    deep: list[Any] = []
    deep.append(deep)
    table = {
        "raises": KeyError("user"),
        "lines": ValueError("one\n  two\udcff"),
        "long": ValueError("x" * 5000),
        "text": "matched",
        "nan": RuleMatch(context={"n": float("nan")}),
        "set": RuleMatch(context={"n": {1}}),
        "loop": RuleMatch(context={"n": deep}),
        "keys": RuleMatch(context={(1,): 1}),
        "title": RuleMatch(title=5),  # type: ignore[arg-type]
        "surrogate": RuleMatch(title="\ud800"),
        "fine": True,
    }
    stub = await serve(Gives(**table))
    items = await evaluate(stub, *(f'{{"gives": "{word}"}}' for word in table), "[]", "{", "", "null", '{"gives": {}}')
    assert len(items) == len(table) + 5
    said = dict(zip([*table, "list", "open", "empty", "null", "unhashable"], errors(items), strict=True))
    assert said.pop("fine") == ""
    assert said["raises"].startswith("KeyError: 'user' (test_servicer.py:")
    assert said["lines"].startswith("ValueError: one two? (test_servicer.py:")
    assert len(said["long"]) <= 1000
    assert said["text"] == "evaluate() gave str, not RuleMatch, bool or None"
    nan = "the context is no JSON: Out of range float values are not JSON compliant"
    assert said["nan"].removesuffix(": nan") == nan  # Python says which since 3.13
    assert said["list"] == "the event is no JSON object"
    assert said["open"].startswith("the event is no JSON: ")
    assert all(said.values())
    assert [item.matched for item in items].count(True) == 1


async def test_an_empty_batch_has_an_empty_answer(serve: Serve) -> None:
    assert list(await evaluate(await serve(Gives()))) == []


async def test_hooks_may_be_coroutine_functions(serve: Serve) -> None:
    class Slow(Rule):
        req_subkeys = ("n",)
        begun = False

        async def init(self) -> None:
            self.begun = True

        async def ping(self) -> None:
            await asyncio.sleep(0)

        async def evaluate(self, event: dict[str, Any]) -> RuleMatch | None:
            await asyncio.sleep(0)
            return RuleMatch(title=str(10 // event["n"])) if self.begun else None

        async def shutdown(self) -> None:
            self.begun = False

    plugin = Slow()
    stub = await serve(plugin)
    await stub.Init(common_pb2.InitRequest())
    await stub.Ping(common_pb2.PingRequest())
    items = await evaluate(stub, '{"n": 5}', '{"n": 0}', "{}", '{"n": 2}')
    assert [item.title for item in items] == ["2", "", "", "5"]
    assert [bool(each) for each in errors(items)] == [False, True, False, False]
    assert errors(items)[1].startswith("ZeroDivisionError")
    await stub.Shutdown(common_pb2.ShutdownRequest())
    assert not plugin.begun


class Stops(Rule):
    def init(self) -> None:
        next(iter(()))

    def ping(self) -> None:
        next(iter(()))


@pytest.mark.parametrize("method", ["Init", "Ping"])
async def test_a_stop_iteration_of_a_plain_hook_is_an_error_like_others(serve: Serve, method: str) -> None:
    stub = await serve(Stops())
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await getattr(stub, method)(getattr(common_pb2, f"{method}Request")(), timeout=5)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert str(caught.value.details()).startswith("RuntimeError: the hook raised StopIteration (test_servicer.py:")


# --- threads


class Waits(Rule):
    """Works on an item until it is let go."""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.pinged: list[str] = []
        self.items: list[int] = []
        self.go = threading.Event()

    def init(self) -> None:
        self.threads.append(threading.current_thread().name)

    def ping(self) -> None:
        self.pinged.append(threading.current_thread().name)

    def evaluate(self, event: dict[str, Any]) -> bool:
        self.items.append(event["n"])
        self.threads.append(threading.current_thread().name)
        assert self.go.wait(10)
        return True


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for is in another thread
            await asyncio.sleep(0.002)


async def test_plain_hooks_run_in_one_thread_and_a_ping_beside_them(serve: Serve) -> None:
    plugin = Waits()
    stub = await serve(plugin)
    await stub.Init(common_pb2.InitRequest())
    first, second = (asyncio.ensure_future(evaluate(stub, f'{{"n": {n}}}')) for n in (1, 2))
    await until(lambda: plugin.items)
    await stub.Ping(common_pb2.PingRequest())
    assert len(plugin.items) == 1
    plugin.go.set()
    await asyncio.gather(first, second)
    assert sorted(plugin.items) == [1, 2]
    assert len(set(plugin.threads)) == 1
    assert set(plugin.threads).isdisjoint(plugin.pinged)


class Watched(Servicer):
    """Tells how many batches it is at."""

    batches = 0

    async def _on_batch(self, request: Any, context: Any) -> Any:
        self.batches += 1
        try:
            return await super()._on_batch(request, context)
        finally:
            self.batches -= 1


async def test_a_batch_whose_caller_has_gone_is_not_worked_on_any_further() -> None:
    plugin = Waits()
    servicer = Watched(plugin)
    async with served(servicer, STUBS["Rule"]) as stub:
        gone = stub.EvaluateBatch(rule_pb2.EvaluateBatchRequest(events=events('{"n": 1}', '{"n": 2}')))
        await until(lambda: plugin.items)
        queued = stub.EvaluateBatch(rule_pb2.EvaluateBatchRequest(events=events('{"n": 4}')))
        await until(lambda: servicer.batches == 2)
        gone.cancel()
        queued.cancel()
        await until(lambda: servicer.batches == 0)
        plugin.go.set()
        await evaluate(stub, '{"n": 3}')
    assert plugin.items == [1, 3]


# --- the life


async def test_an_init_that_raises_fails_in_one_line_that_says_where(serve: Serve, capsys: Any) -> None:
    class Fails(Formatter):
        def init(self) -> None:
            raise RuntimeError("no\nway")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (await serve(Fails())).Init(common_pb2.InitRequest())
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    details = caught.value.details() or ""
    assert details.startswith("RuntimeError: no way (test_servicer.py:")
    assert "Traceback" in capsys.readouterr().err


async def test_metadata_that_cannot_be_said_fail_the_call(serve: Serve) -> None:
    class Wrong(Rule):
        name = "wrong"
        log_types = "auth"

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (await serve(Wrong())).GetMetadata(common_pb2.GetMetadataRequest())
    assert caught.value.details() == "Wrong.log_types = 'auth': a string where a tuple of them belongs"


@pytest.mark.parametrize("calls", [0, 1, 2])
async def test_a_plugin_is_shut_down_once_whether_or_not_its_host_asks(calls: int) -> None:
    class Counts(Matcher):
        count = 0

        def shutdown(self) -> None:
            self.count += 1

    plugin = Counts()
    async with served(Servicer(plugin), STUBS["Matcher"]) as stub:
        for _ in range(calls):
            await stub.Shutdown(common_pb2.ShutdownRequest())
        assert plugin.count == min(calls, 1)
    assert plugin.count == 1


async def test_metadata_may_be_made_in_init(serve: Serve) -> None:
    class Configured(Enrichment):
        config: Mapping[str, Any] = {"name": "from-config"}

        def init(self) -> None:
            self.name = self.config["name"]

    stub = await serve(Configured())
    await stub.Init(common_pb2.InitRequest())
    assert (await stub.GetMetadata(common_pb2.GetMetadataRequest())).identity.id == "from-config"
