"""What Prometheus is told: counted from the steps, or read from the state at the moment of the scrape.

`counts` is fed once per step; `families` says what a scrape answers. Gauges are never set, so they cannot drift from
the state. No decision reads anything from here. The list for people is docs/reference/metrics.md, compared by a test.
"""

from controller.metrics.api import ApiMetrics
from controller.metrics.scrape import PluginManagerMetrics

__all__ = ["ApiMetrics", "PluginManagerMetrics"]
