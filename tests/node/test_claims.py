"""Plugins from a PersistentVolumeClaim, the component plugins-pvc: somebody outside the pod fills it."""

import pytest

from tests.node.deployment import KIND, Wish
from tests.node.hands import ROOT


@pytest.fixture
def volume(kubectl, hands):
    """A directory of a node with the plugin, as the claim `plugins`; with hands on that node."""
    its, name = hands(None), kubectl.namespace
    path = f"/var/tmp/{name}"
    its.do(f"mkdir -p {ROOT}{path} && cp -R /plugins/. {ROOT}{path}/")
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [its.node]}
    both = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    size = {"storage": "1Gi"}
    spec = {
        "capacity": size,
        "local": {"path": path},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
    }
    claim = {"volumeName": name, "resources": {"requests": size}}
    for kind, called, its_spec in (("PersistentVolume", name, spec), ("PersistentVolumeClaim", "plugins", claim)):
        kubectl.apply({"apiVersion": "v1", "kind": kind, "metadata": {"name": called}, "spec": both | its_spec})
    yield its, f"{ROOT}{path}/{KIND}"
    kubectl.run("delete", "persistentvolumeclaim/plugins", f"persistentvolume/{name}", "--wait=false")
    its.do(f"rm -rf {ROOT}{path}")


def test_what_is_renamed_into_place_on_a_claim_is_taken_at_once_and_costs_no_call(volume, sample, figure):
    its, directory = volume
    pod = sample.deploy(Wish(volume="plugins-pvc"))
    sidecar, app = sample.follow(pod, "pluginmgr"), sample.follow(pod, "app")
    app.until(event="second", fits=lambda each: each["calls"] > 100)
    its.do(
        f"cd {directory} && cp echo .new && echo another >> .new && cp .new .third && mv .new echo && mv .third third"
    )
    sidecar.until(message="updated", name="echo")
    sidecar.until(message="registered", name="third")
    assert "WatchPolling" not in {each["type"] for each in sample.status(pod)["conditions"] if each["status"] == "True"}
    sample.kubectl.run("delete", "pod", pod, "--wait=false")
    figure("a swap on a claim: failed calls, none tried twice", app.until(event="final")["failed"], "", limit=0)
