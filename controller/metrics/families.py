"""What a scrape answers: names, types, help and labels of every series, made from the counts and the state.

Pure: called in the scrape's thread, on values that nobody changes any more.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import accumulate
from math import inf

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.samples import Sample

from controller.core.model import Off, Plugin, State, WorkerId
from controller.core.reasons import Reason
from controller.metrics.counts import Counts, Histogram

OTHER = "other"  # the label of all beyond the limit; no plugin's key, those have a slash
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


class Family(Metric):
    """A family that makes its samples while they are written down.

    Thousands of them alive at once wake the garbage collector, and that stops the loop for longer than a crash may take
    to be answered (measured with 200 plugins: 100 ms instead of 10).
    """

    def __init__(self, name: str, text: str, kind: str, make: Callable[[], Iterator[Sample]]) -> None:
        super().__init__(name, text, kind)
        self.samples = _Samples(make)


class _Samples(list[Sample]):
    """Passes for the list that the encoders want; all that they do with it is iterate, once."""

    def __init__(self, make: Callable[[], Iterator[Sample]]) -> None:
        super().__init__()
        self._make = make

    def __iter__(self) -> Iterator[Sample]:
        return self._make()


def counted(prefix: str, counts: Mapping[str, Counts]) -> Iterator[Metric]:
    """The counters, by plugin."""

    def family(
        name: str, text: str, kind: str, make: Callable[[str, Mapping[str, Counts]], Iterator[Sample]]
    ) -> Family:
        return Family(prefix + name, text, kind, partial(make, prefix + name, counts))

    for field, text in COUNTERS.items():
        yield family(f"plugin_{field}", text, "counter", partial(_counters, field))
    yield family("plugin_exits", "Failed starts and lost workers", "counter", _exits)
    text = "From the decision to start a worker until it is ready"
    yield family("plugin_start_latency_seconds", text, "histogram", _latencies)
    yield family("plugin_drain_seconds", "How long workers drained", "summary", _drains)


def _counters(field: str, name: str, counts: Mapping[str, Counts]) -> Iterator[Sample]:
    for label, plugin in counts.items():
        yield Sample(f"{name}_total", {"plugin": label}, getattr(plugin, field))


def _exits(name: str, counts: Mapping[str, Counts]) -> Iterator[Sample]:
    for label, plugin in counts.items():
        for reason, number in plugin.exits.copy().items():
            yield Sample(f"{name}_total", {"plugin": label, "reason": reason.value}, number)


def _latencies(name: str, counts: Mapping[str, Counts]) -> Iterator[Sample]:
    for label, plugin in counts.items():
        yield from buckets(name, {"plugin": label}, plugin.latency)


def _drains(name: str, counts: Mapping[str, Counts]) -> Iterator[Sample]:
    for label, plugin in counts.items():
        yield Sample(f"{name}_count", {"plugin": label}, plugin.drains)
        yield Sample(f"{name}_sum", {"plugin": label}, plugin.drain_seconds)


def buckets(name: str, labels: Mapping[str, str], histogram: Histogram) -> Iterator[Sample]:
    """The samples of one histogram."""
    numbers = list(accumulate(histogram.counts))
    for bound, number in zip((*histogram.bounds, inf), numbers, strict=True):
        yield Sample(f"{name}_bucket", {**labels, "le": "+Inf" if bound == inf else str(bound)}, number)
    yield Sample(f"{name}_count", {**labels}, numbers[-1])
    yield Sample(f"{name}_sum", {**labels}, histogram.total)


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
        name = f"{prefix}plugin_{gauge}"
        yield Family(name, text, "gauge", partial(_gauges, name, values[gauge]))
    name = f"{prefix}plugin_degraded"
    yield Family(name, "1 while the plugin is degraded", "gauge", partial(_degraded, name, state, known))


def _degraded(name: str, state: State, known: Mapping[str, Counts]) -> Iterator[Sample]:
    """Only what is wrong has a series: all reasons of all plugins would be a hundred thousand."""
    numbers = Counter(
        (key if key in known else OTHER, condition.reason)
        for key, plugin in state.plugins.items()
        for condition in plugin.conditions
        if condition.type == "Degraded" and condition.status
    )
    for (label, reason), number in numbers.items():
        yield Sample(name, {"plugin": label, "reason": reason.value}, number)


def _gauges(name: str, values: Mapping[str, float]) -> Iterator[Sample]:
    for label, value in values.items():
        yield Sample(name, {"plugin": label}, value)


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
    name = f"{prefix}step_seconds"

    def make() -> Iterator[Sample]:
        for event, histogram in histograms.items():
            yield from buckets(name, {"event": event}, histogram)

    return Family(name, "One step of the core, by its event", "histogram", make)


def ages(prefix: str, sources: Mapping[str, Callable[[], float]]) -> Metric:
    """How long ago each source was last looked at: a deaf watch shows here."""
    family = GaugeMetricFamily(
        f"{prefix}watch_age_seconds", "Since the source was last looked at, changed or not", labels=["source"]
    )
    for source, age in sources.items():
        family.add_metric([source], age())
    return family


def failures(prefix: str, places: Mapping[str, Callable[[], int]]) -> Metric:
    """How often the status could not be written, by where to."""
    family = CounterMetricFamily(
        f"{prefix}status_write_failures", "Tries to write the status that failed", labels=["place"]
    )
    for place, number in places.items():
        family.add_metric([place], number())
    return family


def hosts(prefix: str, number: int) -> Metric:
    """Who listens to what the controller announces."""
    return GaugeMetricFamily(f"{prefix}hosts", "Hosts that follow the registry", number)


def build(prefix: str, version: str, python: str) -> Metric:
    """Which program this is."""
    return InfoMetricFamily(
        f"{prefix}build", "Version of pluginmgr and of Python", {"version": version, "python": python}
    )


def _reason(plugin: Plugin) -> tuple[bool, Reason | None]:
    for condition in plugin.conditions:
        if condition.type == "Ready":
            return condition.status is True, condition.reason
    return False, None


def _backoff(plugin: Plugin, now: float) -> float:
    releases = [release for release in (plugin.serving, plugin.candidate) if release]
    waits = [slot.retry_at - now for release in releases for slot in release.slots if slot.retry_at is not None]
    return max(0.0, min(waits, default=0.0))
