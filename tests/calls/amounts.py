"""How much is tried. CI tries what its time allows; `make calls` (PLUGINMGR_CALLS=all) everything the promise names."""

import os

ALL = os.environ.get("PLUGINMGR_CALLS") == "all"
LATENCY_RATIO = 2.0  # of p99 while plugins change to p99 while none does
NOISY_RATIO = 6.0  # the same where other tests run on the same processors


def of(everything: int, in_ci: int) -> int:
    """The amount for this run."""
    return everything if ALL else in_ci


def latency_ratio() -> float:
    """The limit for this run: the promise's own where nothing else runs."""
    return LATENCY_RATIO if ALL else NOISY_RATIO
