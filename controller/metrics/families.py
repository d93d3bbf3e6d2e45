"""What a scrape answers: names, types, help and labels of every series, made from the counts and the state.

Pure: called in the scrape's thread, on values that nobody changes any more.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from controller.core.model import Off, Plugin, State, WorkerId
from controller.core.reasons import Reason
from controller.metrics.counts import Counts, Histogram

OTHER = "other"  # the label of all beyond the limit; no plugin's key, those have a slash
PLUGIN = ["plugin"]
COUNTERS = {
    "starts": "Workers started, successfully or not",
    "crashes": "Ready workers lost unasked",
    "restarts": "Workers started again after a failure",
    "updates": "Versions that took over from another one",
}
GAUGES = {
    "active_subprocesses": "Workers that may have a process, starting and stopping ones too",
    "ready": "1 if the plugin is ready, else 0; absent if it is not wanted",
    "backoff_seconds": "Seconds until a failed worker is tried again, 0 if none waits",
    "resident_memory_bytes": "Resident memory of all workers that are up",
}
STATUSES = {True: "true", False: "false", None: "unknown"}


def counted(prefix: str, counts: Mapping[str, Counts]) -> Iterator[Metric]:
    """The counters, by plugin."""
    name = f"{prefix}plugin_"
    for field, text in COUNTERS.items():
        counter = CounterMetricFamily(name + field, text, labels=PLUGIN)
        for label, plugin in counts.items():
            counter.add_metric([label], getattr(plugin, field))
        yield counter
    exits = CounterMetricFamily(f"{name}exits", "Failed starts and lost workers", labels=["plugin", "reason"])
    latency = HistogramMetricFamily(
        f"{name}start_latency_seconds", "From the decision to start a worker until it is ready", labels=PLUGIN
    )
    drain = SummaryMetricFamily(f"{name}drain_seconds", "How long workers drained", labels=PLUGIN)
    for label, plugin in counts.items():
        for reason, number in plugin.exits.copy().items():
            exits.add_metric([label, reason.value], number)
        _add(latency, label, plugin.latency)
        drain.add_metric([label], plugin.drains, plugin.drain_seconds)
    yield from (exits, latency, drain)


def running(
    prefix: str, state: State, known: Mapping[str, Counts], resident: Mapping[WorkerId, int], now: float
) -> Iterator[Metric]:
    """The gauges, by plugin. Of those under the label `other`: the sum, of the backoff the longest."""
    values: dict[str, dict[str, float]] = {gauge: {} for gauge in GAUGES}

    def add(gauge: str, label: str, value: float) -> None:
        values[gauge][label] = values[gauge].get(label, 0) + value

    for key, plugin in state.plugins.items():
        label = key if key in known else OTHER
        add("active_subprocesses", label, len(plugin.workers))
        if not isinstance(plugin.decision, Off):
            add("ready", label, _reason(plugin)[0])
        add("resident_memory_bytes", label, sum(resident.get(worker, 0) for worker in plugin.workers))
        values["backoff_seconds"][label] = max(values["backoff_seconds"].get(label, 0), _backoff(plugin, now))
    for gauge, text in GAUGES.items():
        family = GaugeMetricFamily(f"{prefix}plugin_{gauge}", text, labels=PLUGIN)
        for label, value in values[gauge].items():
            family.add_metric([label], value)
        yield family


def whole(prefix: str, state: State) -> Iterator[Metric]:
    """The gauges of the pod, from the state."""
    plugins = GaugeMetricFamily(f"{prefix}plugins", "Plugins by the reason of their Ready condition", labels=["reason"])
    numbers = dict.fromkeys(Reason, 0)
    for plugin in state.plugins.values():
        if reason := _reason(plugin)[1]:
            numbers[reason] += 1
    for reason, number in numbers.items():
        plugins.add_metric([reason.value], number)
    conditions = GaugeMetricFamily(
        f"{prefix}condition", "1 for the status that a condition of the pod has, else 0", labels=["type", "status"]
    )
    for condition in state.conditions:
        for status, word in STATUSES.items():
            conditions.add_metric([condition.type, word], condition.status is status)
    generation = state.config.generation if state.config else 0
    yield plugins
    yield conditions
    yield GaugeMetricFamily(f"{prefix}config_generation", "Generation of the config in force, 0 for none", generation)


def steps(prefix: str, histograms: Mapping[str, Histogram]) -> Metric:
    """How long the core thinks."""
    family = HistogramMetricFamily(f"{prefix}step_seconds", "One step of the core, by its event", labels=["event"])
    for event, histogram in histograms.items():
        _add(family, event, histogram)
    return family


def ages(prefix: str, sources: Mapping[str, Callable[[], float]]) -> Metric:
    """How long ago each source was last looked at: a deaf watch shows here."""
    family = GaugeMetricFamily(
        f"{prefix}watch_age_seconds", "Since the source was last looked at, changed or not", labels=["source"]
    )
    for source, age in sources.items():
        family.add_metric([source], age())
    return family


def build(prefix: str, version: str, python: str) -> Metric:
    """Which program this is."""
    return InfoMetricFamily(
        f"{prefix}build", "Version of pluginmgr and of Python", {"version": version, "python": python}
    )


def _add(family: HistogramMetricFamily, label: str, histogram: Histogram) -> None:
    bounds = [*map(str, histogram.bounds), "+Inf"]
    family.add_metric([label], list(zip(bounds, accumulate(histogram.counts), strict=True)), histogram.total)


def _reason(plugin: Plugin) -> tuple[bool, Reason | None]:
    for condition in plugin.conditions:
        if condition.type == "Ready":
            return condition.status is True, condition.reason
    return False, None


def _backoff(plugin: Plugin, now: float) -> float:
    releases = [release for release in (plugin.serving, plugin.candidate) if release]
    waits = [slot.retry_at - now for release in releases for slot in release.slots if slot.retry_at is not None]
    return max(0.0, min(waits, default=0.0))
