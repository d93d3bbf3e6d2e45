"""Requests have the names that RBAC has for them."""

import pytest
from yarl import URL

from controller.kube.request import named

OURS = "https://host/apis/pluginmgr.dev/v1alpha1"


@pytest.mark.parametrize(
    ("method", "url", "verb", "resource"),
    [
        ("GET", f"{OURS}/namespaces/n/pluginconfigs?fieldSelector=metadata.name%3Dx", "list", "pluginconfigs"),
        ("GET", f"{OURS}/namespaces/n/pluginconfigs?watch=true", "watch", "pluginconfigs"),
        ("GET", f"{OURS}/namespaces/n/pluginconfigs/x", "get", "pluginconfigs"),
        ("PATCH", f"{OURS}/namespaces/n/pluginconfigs/x/status?force=true", "patch", "pluginconfigs/status"),
        ("POST", "https://host/apis/events.k8s.io/v1/namespaces/n/events", "create", "events"),
        ("DELETE", f"{OURS}/namespaces/n/pluginpodstatuses/x", "delete", "pluginpodstatuses"),
        ("GET", "https://host/api/v1/namespaces/n/pods?watch=1", "watch", "pods"),
        ("GET", "https://host/api/v1/namespaces/n", "get", "namespaces"),
        ("GET", f"{OURS}/pluginconfigs", "list", "pluginconfigs"),
        ("GET", OURS, "get", ""),
        ("GET", "https://host/apis", "get", ""),
        ("GET", "https://host/api/v1", "get", ""),
        ("GET", "https://host/version", "get", ""),
    ],
)
def test_a_request_is_named(method: str, url: str, verb: str, resource: str):
    assert named(method, URL(url)) == (verb, resource)
