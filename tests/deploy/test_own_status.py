"""The admission policy: a pod writes its own status, and nobody's else."""

import time
from typing import Any

import pytest

from tests.cluster.api import ApiError
from tests.cluster.namespace import Namespace
from tests.deploy.render import DEPLOY, manifests, pod_of, pod_template

SIDECAR = "pluginmgr-sidecar"
AGGREGATOR = "pluginmgr-aggregator"


def write(namespace: Namespace, pod: str, token: str | None, manager: str = SIDECAR) -> dict[str, Any]:
    body = {"apiVersion": "pluginmgr.dev/v1alpha1", "kind": "PluginPodStatus", "metadata": {"name": pod}}
    path = namespace.ours(f"pluginpodstatuses/{pod}")
    return namespace.cluster.apply(path, body | {"status": {"ready": manager == SIDECAR}}, manager, token)


def refusal(namespace: Namespace, pod: str, token: str | None) -> str:
    with pytest.raises(ApiError) as caught:
        write(namespace, pod, token)
    assert caught.value.code == 403
    return str(caught.value)


@pytest.fixture
def tokens(installed: Namespace) -> dict[str, str]:
    """Of two pods, bound to them; once the policy is in force, which is a moment after it was made."""
    template = pod_template(manifests(DEPLOY / "examples/pvc"))
    pods = [
        installed.cluster.api("POST", installed.core("pods"), pod_of(template, name)) for name in ("web-0", "web-1")
    ]
    made = {each["metadata"]["name"]: installed.token(SIDECAR, each) for each in pods}
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        try:
            write(installed, "nobody", made["web-0"])
        except ApiError:
            return made
        time.sleep(0.05)
    raise AssertionError("the policy is not in force within 20 s")


def test_a_pod_writes_its_own_status(installed: Namespace, tokens: dict[str, str]) -> None:
    write(installed, "web-0", tokens["web-0"])
    write(installed, "web-0", tokens["web-0"])


def test_a_pod_neither_makes_nor_changes_the_status_of_another(installed: Namespace, tokens: dict[str, str]) -> None:
    assert "this token is that of pod web-0" in refusal(installed, "web-1", tokens["web-0"])
    write(installed, "web-1", tokens["web-1"])
    assert "this token is that of pod web-0" in refusal(installed, "web-1", tokens["web-0"])


def test_a_token_that_is_bound_to_no_pod_writes_none(installed: Namespace, tokens: dict[str, str]) -> None:
    assert "this token is bound to none" in refusal(installed, "web-1", installed.token(SIDECAR))


def test_the_aggregator_deletes_any(installed: Namespace, tokens: dict[str, str]) -> None:
    write(installed, "web-0", tokens["web-0"])
    path = installed.ours("pluginpodstatuses/web-0")
    assert installed.cluster.status_of(path, tokens["web-0"], "DELETE") == 403
    assert installed.cluster.status_of(path, installed.token(AGGREGATOR), "DELETE") == 200


def test_people_are_none_of_its_business(installed: Namespace, tokens: dict[str, str]) -> None:
    write(installed, "web-1", None, "kubectl")
