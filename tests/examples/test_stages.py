"""The pipeline with plugins that are functions: what each stage does with answers, errors, and plugins that go."""

import json
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from controller.core.model import PluginKey
from controller.kinds.pb.common_pb2 import ItemError
from controller.kinds.pb.enrichment_pb2 import EnrichBatchResponse, Enriched
from controller.kinds.pb.formatter_pb2 import FormatBatchResponse, Formatted
from controller.kinds.pb.matcher_pb2 import Match, MatchBatchResponse
from controller.kinds.pb.rule_pb2 import EvaluateBatchResponse, Evaluation
from controller.kinds.pb.tuning_rule_pb2 import TuneBatchResponse, Tuning
from controller.manager.host_messages import RegisterMessage, RemoveMessage, UnregisterMessage, UpdateMessage
from controller.pool import NotFoundError
from examples.pipeline.calls import Plugins
from examples.pipeline.catalogue import Catalogue
from examples.pipeline.events import Event
from examples.pipeline.pipeline import Pipeline

CALLS = {
    "rule": ("EvaluateBatch", "events", EvaluateBatchResponse, Evaluation),
    "matcher": ("MatchBatch", "events", MatchBatchResponse, Match),
    "tuning_rule": ("TuneBatch", "alerts", TuneBatchResponse, Tuning),
    "enrichment": ("EnrichBatch", "alerts", EnrichBatchResponse, Enriched),
    "formatter": ("FormatBatch", "alerts", FormatBatchResponse, Formatted),
}


def worker(**metadata: Any) -> Any:
    identity = {"id": "x", "enabled": metadata.pop("enabled", True)}
    return SimpleNamespace(reported=SimpleNamespace(metadata=json.dumps({"identity": identity, **metadata})))


def update(key: str, version: Any) -> UpdateMessage:
    return UpdateMessage(PluginKey(key), version, (worker(),), 1, (), lambda _: None)


def unregister(key: str, *draining: Any) -> UnregisterMessage:
    return UnregisterMessage(PluginKey(key), draining, lambda _: None)


class World:
    """A pool whose plugins are functions of one item; what was shown and said."""

    def __init__(self) -> None:
        self.hooks: dict[str, Callable[[Any], Any]] = {}
        self.shown: list[dict[str, Any]] = []
        self.said: list[str] = []
        self.calls: list[tuple[str, int]] = []
        self.catalogue = Catalogue(self.said.append)
        plugins = Plugins(self, self.catalogue, self.said.append, 1.0)  # type: ignore[arg-type]
        self.pipeline = Pipeline(
            plugins, self.catalogue, lambda line: self.shown.append(json.loads(line)), self.said.append
        )

    def add(self, key: str, hook: Callable[[Any], Any], version: Any = 1, **metadata: Any) -> None:
        self.hooks[key] = hook
        self.catalogue.sync(RegisterMessage(PluginKey(key), version, (worker(**metadata),), 1))
        self.said.clear()

    async def call(self, key: str, method: Callable[[Any], Awaitable[Any]], **_: Any) -> Any:
        name, items, response, item = CALLS[key.partition("/")[0]]

        async def answer(request: Any, **_: Any) -> Any:
            given = getattr(request, items)
            self.calls.append((key, len(given)))
            return response(items=[self._one(key, item, each) for each in given])

        return await method(SimpleNamespace(item=SimpleNamespace(**{name: answer})))

    def _one(self, key: str, item: Any, given: Any) -> Any:
        try:
            return item(**self.hooks[key](given))
        except ValueError as error:
            return item(error=ItemError(message=str(error)))

    async def work(self, *events: dict[str, Any]) -> list[dict[str, Any]]:
        self.shown.clear()
        await self.pipeline.work([Event(json.dumps(each), each) for each in events])
        return self.shown


@pytest.fixture
def world() -> World:
    made = World()
    made.add("rule/all", lambda _: {"matched": True})
    made.said.clear()
    return made


def numbers(shown: list[dict[str, Any]]) -> list[int]:
    return [each["event"]["n"] for each in shown]


async def test_without_any_other_plugin_each_match_is_printed_whole(world: World):
    assert numbers(await world.work({"n": 1}, {"n": 2})) == [1, 2]


async def test_one_events_error_costs_that_event_only(world: World):
    def evaluate(event: Any) -> dict[str, Any]:
        if '"n": 2' in event.json:
            raise ValueError("two is odd")
        return {"matched": True}

    world.add("rule/all", evaluate)
    assert numbers(await world.work({"n": 1}, {"n": 2}, {"n": 3})) == [1, 3]
    assert world.said == ["rule/all has no answer for one item: two is odd"]


async def test_an_event_that_a_matcher_fails_for_does_not_pass(world: World):
    def match(event: Any) -> dict[str, Any]:
        return {"matched": json.loads(event.json)["n"] % int(json.loads(event.json).get("by", 1)) == 0}

    world.add("matcher/m", match, **{"global": True})
    assert numbers(await world.work({"n": 1}, {"n": 2, "by": "x"}, {"n": 3, "by": 2})) == [1]
    assert len(world.said) == 1


async def test_ignored_alerts_are_not_enriched(world: World):
    world.add(
        "tuning_rule/t",
        lambda a: {"applies": '"n": 1' in a.event_json},
        action="TUNING_ACTION_IGNORE",
        **{"global": True},
    )
    world.add("rule/all", lambda _: {"matched": True}, enrichments=["e"])
    world.add("enrichment/e", lambda _: {"context_json": '{"e": 1}'})
    assert numbers(await world.work({"n": 1}, {"n": 2})) == [2]
    assert ("enrichment/e", 1) in world.calls


async def test_an_enrichment_that_fails_for_an_alert_takes_what_depends_on_it_along(world: World):
    def first(alert: Any) -> dict[str, Any]:
        if '"n": 1' in alert.event_json:
            raise ValueError("no")
        return {"context_json": '{"first": 1}'}

    world.add("enrichment/first", first)
    world.add("enrichment/second", lambda _: {"context_json": '{"second": 1}'}, depends_on=["first"])
    world.add("rule/all", lambda _: {"matched": True}, enrichments=["second"])
    shown = await world.work({"n": 1}, {"n": 2})
    assert [each["enrichments"] for each in shown] == [[], ["first", "second"]]
    assert [each["context"] for each in shown] == [{}, {"second": 1}]


async def test_an_enrichment_that_is_switched_off_under_way_is_not_called(world: World):
    def first(_: Any) -> dict[str, Any]:
        world.catalogue.sync(unregister("enrichment/second", "w1"))
        return {"context_json": "{}"}

    world.add("enrichment/first", first)
    world.add("enrichment/second", lambda _: {"context_json": "{}"}, depends_on=["first"])
    world.add("rule/all", lambda _: {"matched": True}, enrichments=["second"])
    assert [each["enrichments"] for each in await world.work({"n": 1})] == [["first"]]
    assert "enrichment/second" not in [key for key, _ in world.calls]  # the call would wait for it


async def test_a_formatter_that_fails_for_an_alert_leaves_it_whole(world: World):
    def form(alert: Any) -> dict[str, Any]:
        if '"n": 1' in alert.event_json:
            raise ValueError("no")
        return {"result_json": '{"short": true}'}

    world.add("formatter/f", form)
    world.add("rule/all", lambda _: {"matched": True}, formatters=["gone", "f"])
    first, second = await world.work({"n": 1}, {"n": 2})
    assert first["event"] == {"n": 1}
    assert second == {"short": True}


async def test_a_plugin_that_says_it_is_not_enabled_is_skipped(world: World):
    world.add("rule/all", lambda _: {"matched": True}, enabled=False)
    assert await world.work({"n": 1}) == []
    assert world.calls == []


async def test_a_rule_that_answers_too_few_items_is_not_believed(world: World):
    async def short(_key: str, method: Callable[[Any], Awaitable[Any]], **_: Any) -> Any:
        return EvaluateBatchResponse(items=[Evaluation(matched=True)])

    world.call = short  # type: ignore[method-assign]
    assert await world.work({"n": 1}, {"n": 2}) == []
    assert world.said == ["rule/all answered 1 items for 2: none is used"]


async def test_a_drained_rule_is_gone_and_nobody_asks_for_it(world: World):
    world.catalogue.sync(unregister("rule/all", "w1"))
    assert await world.work({"n": 1}) == []
    assert world.calls == []
    assert world.said == ["rule/all is gone: not evaluated"]


async def test_a_crashed_rule_is_waited_for(world: World):
    world.catalogue.sync(unregister("rule/all"))
    assert numbers(await world.work({"n": 1})) == [1]  # the call waits in the pool
    world.catalogue.sync(RegisterMessage(PluginKey("rule/all"), 1, (worker(),), 1))  # type: ignore[arg-type]
    assert world.said == ["rule/all has lost its last worker: calls wait for it", "rule/all is back"]


async def test_a_crashed_rule_that_does_not_come_back_in_time_is_gone(world: World):
    async def never(*_: Any, **__: Any) -> Any:
        raise NotFoundError("nothing serves")

    world.catalogue.sync(unregister("rule/all"))
    world.call = never  # type: ignore[method-assign]
    assert await world.work({"n": 1}) == []
    assert await world.work({"n": 1}) == []
    assert world.said[1:] == ["rule/all is gone: not evaluated", "rule/all failed for 1 items: nothing serves"]


async def test_a_removed_matcher_holds_nothing_back(world: World):
    world.add("matcher/m", lambda _: {"matched": False}, **{"global": True})
    assert await world.work({"n": 1}) == []
    world.catalogue.sync(RemoveMessage(PluginKey("matcher/m"), (), lambda _: None))
    assert numbers(await world.work({"n": 1})) == [1]
    assert world.said == ["matcher/m is gone: every event passes it"]


async def test_a_new_version_is_told_of_and_other_updates_are_not(world: World):
    world.catalogue.sync(update("rule/all", 1))
    assert world.said == []
    world.catalogue.sync(update("rule/all", 2))
    assert world.said == ["rule/all serves in a new version"]
