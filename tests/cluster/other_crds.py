"""The CRD of PluginConfig as it might have been before, or may be later; for a control plane of the test's own."""

import http.client
import time
from typing import Any

import yaml

from tests.cluster.api import DEADLINE, ApiError, Object
from tests.cluster.cluster import GROUP, Cluster
from tests.tools.build import ROOT


def crd() -> Object:
    """The one that is shipped."""
    shipped: Object = yaml.safe_load((ROOT / "crds/pluginconfigs.yaml").read_text())
    return shipped


def lax_crd() -> Object:
    """Before somebody thought of the rules over several fields, and of a lowest number of workers."""
    older = crd()
    spec = _spec(older)
    kinds = spec["properties"]["kinds"]
    for node in (spec, kinds, kinds["items"]):
        del node["x-kubernetes-validations"]
    del kinds["items"]["properties"]["plugins"]["items"]["properties"]["workers"]["minimum"]
    return older


def later_crd() -> Object:
    """After somebody thought of `spec.shadow`."""
    later = crd()
    _spec(later)["properties"]["shadow"] = {"type": "boolean"}
    return later


def install(cluster: Cluster, other: Object, probe: Object, *, is_taken: bool) -> None:
    """Apply a CRD, and return when a probe is judged by it."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=yaml.dump(other))
    ends = time.monotonic() + DEADLINE
    while _is_taken(cluster, probe) is not is_taken:
        if time.monotonic() > ends:
            raise AssertionError("the API server does not judge by the new CRD")
        time.sleep(0.05)


def _is_taken(cluster: Cluster, probe: Object) -> bool | None:
    try:
        path = f"{GROUP}/namespaces/default/pluginconfigs"
        cluster.api("POST", path, probe, dryRun="All", fieldValidation="Strict")
    except ApiError as error:
        refusals = (http.client.BAD_REQUEST, http.client.UNPROCESSABLE_ENTITY)
        return False if error.code in refusals else None
    return True


def _spec(of: Object) -> dict[str, Any]:
    spec: dict[str, Any] = of["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return spec
