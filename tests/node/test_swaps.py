"""Swaps under load, across containers and users: the app is somebody else than the sidecar, and never tries twice."""

from tests.node.deployment import Wish

SWAPS = 10


def test_no_call_fails_while_binaries_are_replaced(sample, figure):
    pod = sample.deploy(Wish({"echo": {"required": True, "workers": 2, "update": {"minReadySeconds": 0}}}))
    app = sample.follow(pod, "app")
    app.until(event="second", fits=lambda each: each["calls"] > 100)
    uids = [sample.kubectl.exec(pod, each, "id", "-u").strip() for each in ("app", "pluginmgr")]
    assert len(set(uids)) == 2
    seen = {sample.plugin(pod, "echo")["servingDigest"]}
    for number in range(SWAPS):
        sample.publish(pod, "echo", f"swap {number}")
        sample.kubectl.until(lambda: (digest := _served(sample, pod)) and digest not in seen, f"swap {number}")
        seen.add(_served(sample, pod))
    assert len(seen) == SWAPS + 1
    sample.kubectl.run("delete", "pod", pod, "--wait=false")
    final = app.until(event="final")
    figure(f"{SWAPS} swaps of the binary: calls", final["calls"], "")
    figure(f"{SWAPS} swaps of the binary: failed calls, none tried twice", final["failed"], "", limit=0)
    figure(f"{SWAPS} swaps of the binary: p99", final["p99_ms"], "ms")
    assert final["tries"] == final["calls"] > 1000
    assert len(final["workers"]) == 2 * (SWAPS + 1)


def _served(sample, pod):
    return sample.plugin(pod, "echo").get("servingDigest")
