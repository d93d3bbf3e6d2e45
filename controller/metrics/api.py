"""What the API server was asked, how it answered, and how long that took. Fed by whoever asks it."""

from collections.abc import Iterator

from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from controller.metrics.counts import Histogram
from controller.metrics.families import Family, buckets

NAME = "pluginmgr_api_request"
BUCKETS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ApiMetrics(Collector):
    """Register it in the registry that is scraped. The labels are words of Kubernetes, so there are few of them."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, str], int] = {}  # by verb, resource and code
        self._seconds: dict[tuple[str, str], Histogram] = {}  # by verb and resource

    def observe(self, verb: str, resource: str, code: str, seconds: float) -> None:
        """Count a request; `code` is 0 if nobody answered. Of a watch, `seconds` is until it began.

        Two threads at once may lose a count, and nothing else.
        """
        key = (verb, resource, code)
        self._requests[key] = self._requests.get(key, 0) + 1
        self._seconds.setdefault(key[:2], Histogram(BUCKETS)).observe(seconds)

    def collect(self) -> Iterator[Metric]:
        """Both families; empty before the first request."""
        requests = CounterMetricFamily(f"{NAME}s", "Requests to the API server", labels=["verb", "resource", "code"])
        for key, number in self._requests.copy().items():
            requests.add_metric(key, number)
        yield requests
        yield Family(f"{NAME}_seconds", "Until the API server answered, or nobody did", "histogram", self._samples)

    def _samples(self) -> Iterator[Sample]:
        for (verb, resource), histogram in self._seconds.copy().items():
            yield from buckets(f"{NAME}_seconds", {"verb": verb, "resource": resource}, histogram)
