"""The order of things: match, evaluate, merge, tune, enrich, format, print. One batch after the other."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from controller.kinds.pb.common_pb2 import Alert
from controller.kinds.pb.common_pb2 import Event as Sent
from examples.pipeline import alerts, order, route
from examples.pipeline.about import About
from examples.pipeline.calls import Plugins
from examples.pipeline.catalogue import Catalogue
from examples.pipeline.events import Event
from examples.pipeline.merge import Match, Merger

T = TypeVar("T")
Raised = list[tuple[About, Alert]]
"""Alerts, each with the rule that it came of."""


class Pipeline:
    """Brings batches of events from one end to the other; `show` gets one line for each alert."""

    def __init__(
        self, plugins: Plugins, catalogue: Catalogue, show: Callable[[str], None], say: Callable[[str], None]
    ) -> None:
        self._plugins = plugins
        self._catalogue = catalogue
        self._show = show
        self._say = say
        self._merger = Merger()

    async def run(self, batches: AsyncIterator[list[Event]]) -> None:
        """Go on until the events end."""
        async for batch in batches:
            await self.work(batch)

    async def work(self, batch: Sequence[Event]) -> None:
        """One batch, all the way."""
        matches = await self._evaluate(batch, await self._match(batch))
        raised = self._merger.merge(matches, time.time())
        tuned = await self._tune(raised)
        await self._enrich(tuned)
        for line in await self._format(tuned):
            self._show(line)

    async def _match(self, batch: Sequence[Event]) -> dict[str, list[bool]]:
        """Ask each matcher about all events: an event that it has no answer for doesn't pass."""
        matchers = self._catalogue.of("matcher")
        sent = [Sent(json=event.text) for event in batch]
        answers = await _together(self._plugins.match(about, sent) for about in matchers.values())
        return {
            name: [bool(each and each.matched) for each in answer]
            for name, answer in zip(matchers, answers, strict=True)
            if self._catalogue.has(f"matcher/{name}")  # one that was switched off meanwhile has nothing to say
        }

    async def _evaluate(self, batch: Sequence[Event], verdicts: route.Verdicts) -> list[Match]:
        matchers, rules = self._catalogue.of("matcher"), list(self._catalogue.of("rule").values())
        chosen = [route.events_for(rule, batch, matchers, verdicts) for rule in rules]
        answers = await _together(
            self._plugins.evaluate(rule, [Sent(json=event.text) for event in events])
            for rule, events in zip(rules, chosen, strict=True)
        )
        return [
            (rule, event, alerts.of_match(rule, event, found, uuid.uuid4().hex[:12], time.time()))
            for rule, events, answer in zip(rules, chosen, answers, strict=True)
            for event, found in zip(events, answer, strict=True)
            if found and found.matched
        ]

    async def _tune(self, raised: Raised) -> Raised:
        tuners = list(self._catalogue.of("tuning_rule").values())
        asked = [[each for each in raised if tuner.is_global or tuner.name in each[0].tuning_rules] for tuner in tuners]
        answers = await _together(
            self._plugins.tune(tuner, [alert for _, alert in some]) for tuner, some in zip(tuners, asked, strict=True)
        )
        ignored = {
            alert.id
            for tuner, some, answer in zip(tuners, asked, answers, strict=True)
            for (_, alert), found in zip(some, answer, strict=True)
            if found and found.applies and not alerts.tune(alert, tuner)
        }
        return [each for each in raised if each[1].id not in ignored]

    async def _enrich(self, raised: Raised) -> None:
        """Apply one enrichment after the other, each to the alerts whose rules want it, and that have what it needs."""
        listed = order.without_cycles(self._catalogue.of("enrichment"), self._say)
        wanted = {rule.key: {each.name for each in order.needed(rule.enrichments, listed)} for rule, _ in raised}
        for enrichment in order.needed(listed, listed):
            some = [
                alert
                for rule, alert in raised
                if enrichment.name in wanted[rule.key] and set(enrichment.depends_on) <= set(alert.enrichments)
            ]
            answer = await self._plugins.enrich(enrichment, some)
            for alert, found in zip(some, answer, strict=True):
                if found:
                    alert.context_json = found.context_json
                    alert.enrichments.append(enrichment.name)

    async def _format(self, raised: Raised) -> list[str]:
        """By the first formatter that the rule names and that serves; whole, where there is none."""
        by_formatter: dict[str, list[int]] = {}
        for number, (rule, _) in enumerate(raised):
            for about in self._catalogue.named("formatter", rule.formatters)[:1]:
                by_formatter.setdefault(about.name, []).append(number)
        lines = {number: alerts.plain(alert) for number, (_, alert) in enumerate(raised)}
        for name, numbers in by_formatter.items():
            (about,) = self._catalogue.named("formatter", [name])
            answer = await self._plugins.format(about, [raised[number][1] for number in numbers])
            lines |= {number: found.result_json for number, found in zip(numbers, answer, strict=True) if found}
        return list(lines.values())


async def _together(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(call) for call in calls]
    return [task.result() for task in tasks]
