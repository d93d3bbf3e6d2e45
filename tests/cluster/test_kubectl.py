"""What kubectl shows of our resources: explained, listed, selected, waited for, described."""

import time

import pytest

from tests.cluster.api import APPLY, MERGE, Object
from tests.cluster.namespace import Namespace

EXPLAINED = [
    ("plc", "which plugins of a plugin volume run"),
    ("plc.spec", "A plugin's field is looked up in its own entry"),
    ("plc.spec.defaults", "Fields for all plugins of all kinds"),
    ("plc.spec.kinds", "The sorts of plugins"),
    ("plc.spec.kinds.handshake.cookieKey", "The variable that tells the plugin that a host starts it"),
    ("plc.spec.kinds.plugins", "Single plugins whose fields differ from the defaults"),
    ("plc.spec.kinds.plugins.enabled", "Whether the plugin runs at all."),
    ("plc.spec.kinds.plugins.env.fromFile", "An absolute path in the sidecar's file system"),
    ("plc.spec.kinds.plugins.limits.memory", "Resident memory, sampled."),
    ("plc.status", "written by the aggregator alone"),
    ("plc.status.plugins.reasons", "Why it is not simply ready"),
    ("pps", "what every plugin of one pod is doing, and why one is not running"),
    ("pps.status.plugins.lastExit", "How a worker was last lost or failed to start."),
]


def condition(kind: str, status: str, reason: str, message: str) -> Object:
    times = {"lastTransitionTime": "2026-11-24T12:00:00Z", "observedGeneration": 1}
    return {"type": kind, "status": status, "reason": reason, "message": message, **times}


def tell_pod(namespace: Namespace, pod: str, *, ready: bool) -> None:
    message = "" if ready else "rule/port-scan: exited with code 3"
    reason = "AllReady" if ready else "NotAllReady"
    state, exit_ = ("Serving", {}) if ready else ("CrashLoop", {"lastExit": {"reason": "Exited", "code": 3}})
    status = {
        "ready": ready,
        "summary": "1/1" if ready else "0/1",
        "config": {"name": "plugins", "uid": "1"},
        "conditions": [condition("Ready", str(ready), reason, message)],
        "plugins": [{"kind": "rule", "name": "port-scan", "state": state, "message": message, **exit_}],
    }
    body = {"apiVersion": "pluginmgr.dev/v1alpha1", "kind": "PluginPodStatus", "metadata": {"name": pod}}
    path = namespace.ours(f"pluginpodstatuses/{pod}")
    namespace.cluster.api("PATCH", path, body | {"status": status}, content_type=APPLY, fieldManager="test")


def tell_all(namespace: Namespace, name: str, ready: int, pods: int) -> None:
    """Write a config's summary."""
    words = ("True", "AllReady", "") if ready == pods else ("False", "PodsFailed", "rule/port-scan fails in 1 pod")
    status = {
        "ready": f"{ready}/{pods}",
        "pods": {"total": pods, "ready": ready, "failed": pods - ready, "outdated": 0},
        "conditions": [condition("Ready", *words)],
    }
    path = namespace.ours(f"pluginconfigs/{name}/status")
    namespace.cluster.api("PATCH", path, {"status": status}, content_type=MERGE)


@pytest.fixture
def told(namespace: Namespace) -> Namespace:
    """A namespace with a config of which one pod of two fails, and one that all is right with."""
    namespace.config("plugins", {"kinds": [], "paused": True})
    namespace.config("others", {"kinds": []})
    tell_all(namespace, "plugins", 1, 2)
    tell_all(namespace, "others", 3, 3)
    tell_pod(namespace, "web-0", ready=True)
    tell_pod(namespace, "web-1", ready=False)
    return namespace


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line]


@pytest.mark.parametrize(("field", "words"), EXPLAINED)
def test_kubectl_explains_every_level(field, words, namespace: Namespace):
    ends = time.monotonic() + 30
    while (done := namespace.kubectl("explain", field, check=False)).returncode:
        assert time.monotonic() < ends, done.stderr  # a CRD that is served may take a moment to be described, too
        time.sleep(0.1)
    assert words in " ".join(done.stdout.split())


def test_a_list_says_whether_all_is_right(told: Namespace):
    configs = rows(told.kubectl("get", "plc").stdout)
    assert configs[0] == ["NAME", "READY", "PODS", "FAILED", "OUTDATED", "REASON", "AGE"]
    assert [row[:6] for row in configs[1:]] == [
        ["others", "3/3", "3", "0", "0", "AllReady"],
        ["plugins", "1/2", "2", "1", "0", "PodsFailed"],
    ]
    pods = rows(told.kubectl("get", "pps").stdout)
    assert pods[0] == ["NAME", "READY", "PLUGINS", "REASON", "AGE"]
    assert [row[:4] for row in pods[1:]] == [
        ["web-0", "true", "1/1", "AllReady"],
        ["web-1", "false", "0/1", "NotAllReady"],
    ]
    both = told.kubectl("get", "plc,pps").stdout
    assert "pluginconfig.pluginmgr.dev/plugins" in both
    assert "pluginpodstatus.pluginmgr.dev/web-1" in both
    category = told.kubectl("get", "plugins").stdout
    assert [row[:-1] for row in rows(category)] == [row[:-1] for row in rows(both)]  # the last is an age


def test_the_wide_list_says_what_is_wrong(told: Namespace):
    wide = told.kubectl("get", "plc", "--output=wide").stdout.splitlines()
    assert rows(wide[0])[0][-2:] == ["PAUSED", "MESSAGE"]
    assert wide[2].endswith("rule/port-scan fails in 1 pod")
    assert "true" in wide[2].split()
    pods = told.kubectl("get", "pps", "--output=wide").stdout.splitlines()
    assert rows(pods[0])[0][-2:] == ["CONFIG", "MESSAGE"]
    assert " ".join(pods[2].split()).endswith("plugins rule/port-scan: exited with code 3")


@pytest.mark.parametrize(
    ("resource", "selector", "names"),
    [
        ("pps", "status.ready=false", ["web-1"]),
        ("pps", "status.ready=true", ["web-0"]),
        ("pps", "status.config.name=plugins", ["web-0", "web-1"]),
        ("pps", "status.config.name=plugins,status.ready=false", ["web-1"]),
        ("plc", "spec.paused=true", ["plugins"]),
        ("plc", "status.pods.failed!=0", ["plugins"]),
        ("plc", "status.pods.outdated=0", ["others", "plugins"]),
        ("plc", "status.ready=3/3", ["others"]),
        ("plc", "metadata.name=others", ["others"]),
    ],
)
def test_a_field_selector_finds_what_to_look_at(resource, selector, names, told: Namespace):
    found = told.kubectl("get", resource, f"--field-selector={selector}", "--output=name").stdout
    assert [line.partition("/")[2] for line in found.splitlines()] == names


def test_kubectl_wait_waits_for_all_to_be_right(told: Namespace):
    wait = ("wait", "plc/plugins", "--for=condition=Ready")
    assert told.kubectl(*wait, "--timeout=0", check=False).returncode == 1
    told.kubectl("wait", "plc/plugins", "--for=condition=Ready=false", "--timeout=30s")
    told.kubectl("wait", "pps/web-0", "--for=condition=Ready", "--timeout=30s")
    tell_all(told, "plugins", 2, 2)
    told.kubectl(*wait, "--timeout=30s")


def test_kubectl_describe_answers_why(told: Namespace):
    described = told.kubectl("describe", "pps", "web-1").stdout
    for words in ("port-scan", "CrashLoop", "exited with code 3", "Last Exit:"):
        assert words in described
    assert "PodsFailed" in told.kubectl("describe", "plc", "plugins").stdout
