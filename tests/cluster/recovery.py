"""Whether trouble with the API server is told while it lasts, and over for everybody afterwards.

Everybody: the processes of the plugin `other`, what their pod has told of them, and the summary of all pods.
"""

import time

from tests.cluster.api import Object
from tests.cluster.cluster_mode import ClusterMode

CONVERGED = 15.0  # seconds after the API server is back
SAID = 20.0  # seconds until trouble is shown, at most


def stale(mode: ClusterMode, status: str, deadline: float = SAID) -> Object:
    """Wait until the controller says that its config is stale, or that it is not; the condition."""

    def said(shape: Object) -> list[Object]:
        wanted = ("ConfigStale", status)
        return [each for each in shape["conditions"] if (each["type"], each["status"]) == wanted]

    return said(mode.until(said, deadline))[0]


def follows(mode: ClusterMode, workers: int) -> None:
    """The flag as it is now is in force soon."""
    mode.until_plugin("other", lambda each: each["workers"]["ready"] == workers, CONVERGED)
    stale(mode, "False", CONVERGED)


def caught_up(mode: ClusterMode, workers: int) -> None:
    """The flag as it is now is in force soon, and so told by the one pod there is, and so summed up."""
    began = time.monotonic()
    follows(mode, workers)
    config = mode.namespace.find(mode.path)
    assert config is not None
    uid, generation = config["metadata"]["uid"], config["metadata"]["generation"]

    def told(status: Object) -> bool:
        ready = {each["name"]: each["workers"]["ready"] for each in status["plugins"]}
        return (
            status["config"].get("uid") == uid
            and status["observedGeneration"] == generation
            and ready["other"] == workers
        )

    def summed_up(found: Object) -> bool:
        status = found.get("status", {})
        said = (status.get("ready"), status.get("observedGeneration"), status.get("pods", {}).get("outdated"))
        return said == ("1/1", generation, 0)

    mode.until_told(told, CONVERGED)
    mode.namespace.cluster.until(mode.path, summed_up, CONVERGED)
    taken = time.monotonic() - began
    print(f"all caught up after {taken:.1f} s")
    assert taken < CONVERGED
