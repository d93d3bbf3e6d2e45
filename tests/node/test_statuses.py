"""What the cluster is told: a status for each pod, which goes with it, and one summary of all."""

import time

from tests.node.deployment import NAME, Wish

GONE = 5  # seconds that the garbage collector may take


def test_a_status_goes_with_its_pod_and_the_summary_follows(sample, figure):
    sample.deploy(Wish(replicas=2))
    pods = sample.pods()
    for pod in pods:
        sample.kubectl.run("wait", "--for=jsonpath={.status.ready}=true", f"pluginpodstatus/{pod}", "--timeout=60s")
    sample.kubectl.until(lambda: summary(sample).get("ready") == "2/2", "a summary of both pods")
    sample.kubectl.run("wait", "--for=condition=Ready", f"pluginconfig/{NAME}", "--timeout=60s")
    first, rest = pods[0], set(pods[1:])
    sample.kubectl.run("delete", "pod", first)
    began = time.monotonic()
    sample.kubectl.until(lambda: first not in statuses(sample), "the end of its status")
    figure("pod gone -> its PluginPodStatus gone", time.monotonic() - began, "s", limit=GONE)
    sample.kubectl.until(lambda: len(statuses(sample)) == 2 and rest < statuses(sample), "the successor's status")
    sample.kubectl.until(lambda: summary(sample).get("ready") == "2/2", "a summary with the successor")


def statuses(sample):
    return {each["metadata"]["name"] for each in sample.kubectl.get("pluginpodstatuses")}


def summary(sample):
    return sample.kubectl.get("pluginconfig", NAME).get("status", {})
