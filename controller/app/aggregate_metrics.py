"""What a scrape of the aggregator answers, read from its parts at that moment."""

import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as PrometheusCollector

from controller.kube.aggregator import Aggregator
from controller.kube.collector import Collector
from controller.metrics import families
from controller.metrics.api import ApiMetrics

PREFIX = "pluginmgr_"


@dataclass(frozen=True, slots=True)
class Parts:
    """Whom to ask. `ages` are the seconds since each collection was last heard of."""

    aggregator: Aggregator
    collector: Collector
    is_leader: Callable[[], bool]
    ages: Mapping[str, Callable[[], float]]
    api: ApiMetrics
    version: str


class AggregateMetrics(PrometheusCollector):
    """`render` may run in a thread: it reads numbers that the loop changes one by one."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self.registry.register(parts.api)
        ProcessCollector(registry=self.registry)

    def render(self, accept: str) -> tuple[bytes, str]:
        """The exposition for an Accept header, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def collect(self) -> Iterator[Metric]:
        """Every family, in the order of the documentation."""
        parts = self._parts
        yield self._pods()
        leader = float(parts.is_leader())
        yield GaugeMetricFamily(f"{PREFIX}aggregator_leader", "1 for the replica that writes, else 0", leader)
        for name, text, value in (
            ("summary_writes", "Summaries written", parts.aggregator.writes),
            ("summary_write_failures", "Summaries that could not be written", parts.aggregator.failures),
            ("statuses_collected", "Statuses deleted whose pod is gone", parts.collector.deleted),
        ):
            yield CounterMetricFamily(PREFIX + name, text, value)
        yield families.ages(PREFIX, parts.ages)
        yield families.build(PREFIX, parts.version, platform.python_version())

    def _pods(self) -> Metric:
        text = "Pods that follow a config; `outdated` have not taken over its newest generation"
        family = GaugeMetricFamily(f"{PREFIX}config_pods", text, labels=["config", "state"])
        for name, account in list(self._parts.aggregator.accounts.items()):
            tally, config = account.tally, account.config
            outdated = tally.outdated(config.uid, config.generation) if config is not None else tally.pods
            states = {"all": tally.pods, "ready": tally.ready, "failed": tally.failed, "outdated": outdated}
            for state, pods in states.items():
                family.add_metric([name, state], pods)
        return family
