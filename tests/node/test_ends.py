"""`kubectl delete pod`: the app's last calls are answered, then the sidecar drains, and all is gone in time."""

import time

from tests.node.deployment import Wish
from tests.node.log import seconds

KILLED_SIDECAR = 2.0  # seconds that the kubelet leaves a sidecar whose pod's grace is over


def test_the_last_calls_are_answered_then_the_sidecar_drains(sample, figure):
    linger, grace = 3, 20
    pod = sample.deploy(Wish(app=["--callers=8", f"--linger={linger}s"], grace=grace))
    sidecar, app = sample.follow(pod, "pluginmgr"), sample.follow(pod, "app")
    app.until(event="second", fits=lambda each: each["calls"] > 100)
    began = time.time()
    sample.kubectl.run("delete", "pod", pod)
    took = time.time() - began
    final = app.until(event="final")
    asked, ended = seconds(app.until(event="asked")), seconds(final)
    stopping, stopped = (seconds(sidecar.until(message=each)) for each in ("stopping", "stopped"))
    assert final["failed"] == 0
    assert ended - asked >= linger
    assert max(each["last"] for each in final["workers"].values()) > ended - 0.5  # it did call until then
    assert stopping > ended
    figure("pod deleted: the app's end -> the sidecar's SIGTERM", stopping - ended, "s", limit=2)
    figure("pod deleted: the sidecar's SIGTERM -> all plugins stopped", stopped - stopping, "s", limit=2)
    figure(f"pod deleted: all of it, the app took {linger} s", took, "s", limit=grace)


def test_an_app_that_uses_up_the_grace_leaves_enough_for_the_plugins(sample, figure):
    grace = 5
    pod = sample.deploy(Wish(app=["--callers=8", "--linger=1h"], grace=grace))
    sidecar, app = sample.follow(pod, "pluginmgr"), sample.follow(pod, "app")
    app.until(event="second", fits=lambda each: each["calls"] > 100)
    began = time.time()
    sample.kubectl.run("delete", "pod", pod)
    took = time.time() - began
    assert all(each["failed"] == 0 for each in app.records(event="second"))
    assert seconds(app.records(event="second")[-1]) - seconds(app.until(event="asked")) > grace - 2
    stopping, stopped = (seconds(sidecar.until(message=each)) for each in ("stopping", "stopped"))
    figure("grace used up: SIGTERM -> all plugins stopped", stopped - stopping, "s", limit=KILLED_SIDECAR)
    figure(f"grace used up: all of it, of {grace} s", took, "s", limit=grace + KILLED_SIDECAR + 2)
