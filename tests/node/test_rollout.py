"""A rolling update of the Deployment under load."""

from tests.node.deployment import NAME, Wish
from tests.node.kubectl import SECONDS


def test_a_rolling_update_of_two_replicas_costs_no_call(sample, figure):
    sample.deploy(Wish(app=["--callers=8", "--linger=1s"], replicas=2))
    old = sample.pods()
    apps = {pod: sample.follow(pod, "app") for pod in old}
    for each in apps.values():
        each.until(event="second", fits=lambda second: second["calls"] > 100)
    sample.kubectl.run("rollout", "restart", f"deployment/{NAME}")
    sample.kubectl.run("rollout", "status", f"deployment/{NAME}", f"--timeout={SECONDS:g}s")
    new = sample.kubectl.until(lambda: _others(sample.pods(), old), "two new pods")
    apps |= {pod: sample.follow(pod, "app") for pod in new}
    for pod in new:
        apps[pod].until(event="second", fits=lambda second: second["calls"] > 100)
    sample.kubectl.run("delete", "pod", *new, "--wait=false")
    finals = [each.until(event="final") for each in apps.values()]
    assert len(finals) == 4
    assert all(each["tries"] == each["calls"] for each in finals)
    figure("rolling update, 2 replicas: calls", sum(each["calls"] for each in finals), "")
    figure("rolling update, 2 replicas: failed calls", sum(each["failed"] for each in finals), "", limit=0)


def _others(pods, old):
    return pods if len(pods) == 2 and not set(pods) & set(old) else []
