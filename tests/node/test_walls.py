"""Who may do what: `restricted` is enforced, and the app sees nothing of the sidecar but its sockets."""

import json

import pytest

from tests.node.deployment import Wish

TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"


@pytest.fixture
def pod(sample):
    return sample.deploy(Wish())


def test_the_namespace_enforces_restricted_and_the_shipped_pod_is_let_in(kubectl, pod):
    container = {"name": "any", "image": "any"}
    loose = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "loose"}, "spec": {"containers": [container]}}
    refused = kubectl.attempt("apply", "-f", "-", given=json.dumps(loose))
    assert "violates PodSecurity" in refused.stderr
    assert kubectl.get("pod", pod)["status"]["phase"] == "Running"


def test_the_sidecar_has_a_token_and_the_app_cannot_read_it(sample, pod):
    assert sample.kubectl.exec(pod, "pluginmgr", "cat", TOKEN).count(".") == 2
    script = f"cat {TOKEN}; find / -name token -not -path '/proc/*' 2>/dev/null; cat /proc/[0-9]*/cmdline"
    seen = sample.kubectl.attempt("exec", pod, "-c", "app", "--", "sh", "-c", script)
    assert "No such file" in seen.stderr
    assert "token" not in seen.stdout.replace("-name\0token", "").replace(script, "")
    assert "callhost" in seen.stdout
    assert "pluginmgr\0run" not in seen.stdout  # it does not even see the process


def test_the_sidecar_writes_nowhere_but_to_its_volumes(sample, pod):
    for place in ("/", "/plugins", "/opt", "/etc"):
        tried = sample.kubectl.attempt("exec", pod, "-c", "pluginmgr", "--", "touch", f"{place}/any")
        assert "Read-only file system" in tried.stderr, place
