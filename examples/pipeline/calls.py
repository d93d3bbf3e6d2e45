"""Calls to plugins: a batch each, with a deadline, by way of the pool.

All calls here may be made twice, so a worker that dies under one costs nothing: another answers.
"""

from collections.abc import Callable, Sequence
from typing import Any

import grpc.aio

from controller.kinds.pb import (
    common_pb2,
    enrichment_pb2,
    enrichment_pb2_grpc,
    formatter_pb2,
    formatter_pb2_grpc,
    matcher_pb2,
    matcher_pb2_grpc,
    rule_pb2,
    rule_pb2_grpc,
    tuning_rule_pb2,
    tuning_rule_pb2_grpc,
)
from controller.pool import NotFoundError, PoolError, ProcessPool, RemovedError
from examples.pipeline.about import About
from examples.pipeline.catalogue import Catalogue

STUBS: dict[str, Callable[[Any], Any]] = {
    "rule": rule_pb2_grpc.RuleStub,
    "matcher": matcher_pb2_grpc.MatcherStub,
    "enrichment": enrichment_pb2_grpc.EnrichmentStub,
    "formatter": formatter_pb2_grpc.FormatterStub,
    "tuning_rule": tuning_rule_pb2_grpc.TuningRuleStub,
}

Alerts = Sequence[common_pb2.Alert]
Events = Sequence[common_pb2.Event]


def stub(worker: Any, channel: Any) -> Any:
    """What the pool gives out for a worker: the stub of its kind."""
    return STUBS.get(worker.adapter, lambda bare: bare)(channel)


class Plugins:
    """The five calls of the five kinds. An answer has one item for each that was given.

    An item is None where the plugin has no answer for it; all are, where the call failed. Why, `say` is told.
    """

    def __init__(
        self, pool: ProcessPool[Any], catalogue: Catalogue, say: Callable[[str], None], patience: float
    ) -> None:
        self._pool = pool
        self._catalogue = catalogue
        self._say = say
        self._patience = patience

    async def match(self, matcher: About, events: Events) -> list[matcher_pb2.Match | None]:
        """Which events pass."""
        return await self._call(matcher, "MatchBatch", matcher_pb2.MatchBatchRequest(events=events), len(events))

    async def evaluate(self, rule: About, events: Events) -> list[rule_pb2.Evaluation | None]:
        """Which events match, and how."""
        return await self._call(rule, "EvaluateBatch", rule_pb2.EvaluateBatchRequest(events=events), len(events))

    async def tune(self, tuner: About, alerts: Alerts) -> list[tuning_rule_pb2.Tuning | None]:
        """To which alerts its action applies."""
        return await self._call(tuner, "TuneBatch", tuning_rule_pb2.TuneBatchRequest(alerts=alerts), len(alerts))

    async def enrich(self, enrichment: About, alerts: Alerts) -> list[enrichment_pb2.Enriched | None]:
        """The alerts' contexts from now on."""
        request = enrichment_pb2.EnrichBatchRequest(alerts=alerts)
        return await self._call(enrichment, "EnrichBatch", request, len(alerts))

    async def format(self, formatter: About, alerts: Alerts) -> list[formatter_pb2.Formatted | None]:
        """What is delivered."""
        request = formatter_pb2.FormatBatchRequest(alerts=alerts)
        return await self._call(formatter, "FormatBatch", request, len(alerts))

    async def _call(self, plugin: About, method: str, request: Any, count: int) -> list[Any]:
        if not count or not self._catalogue.has(plugin.key):
            return [None] * count  # a call to what is switched off would wait for it
        try:
            answer = await self._pool.call(
                plugin.key,
                lambda worker: getattr(worker.item, method)(request, timeout=self._patience),
                timeout=self._patience,
                idempotent=True,
            )
        except (PoolError, TimeoutError, grpc.aio.AioRpcError) as error:
            self._tell(plugin, error, count)
            return [None] * count
        if len(answer.items) != count:
            self._say(f"{plugin.key} answered {len(answer.items)} items for {count}: none is used")
            return [None] * count
        return [self._unless_error(plugin, item) for item in answer.items]

    def _unless_error(self, plugin: About, item: Any) -> Any:
        if not item.HasField("error"):
            return item
        self._say(f"{plugin.key} has no answer for one item: {item.error.message}")
        return None

    def _tell(self, plugin: About, error: Exception, count: int) -> None:
        if not self._catalogue.has(plugin.key):
            return  # switched off meanwhile, and told of
        if isinstance(error, NotFoundError | RemovedError) or self._catalogue.is_lost(plugin.key):
            self._catalogue.drop(plugin.key)
        self._say(f"{plugin.key} failed for {count} items: {self._reason(error)}")

    def _reason(self, error: Exception) -> str:
        if isinstance(error, grpc.aio.AioRpcError):
            return f"{error.code().name} {error.details()}"
        return f"no answer within {self._patience:g} s" if isinstance(error, TimeoutError) else str(error)
