"""A namespace of a test's own, and what stands in it: service accounts and their rights, Pods, PluginConfigs."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from controller.testing.answers import DEADLINE
from tests.cluster.api import MERGE, ApiError, Object
from tests.cluster.cluster import GROUP, Cluster

POD = {"containers": [{"name": "app", "image": "none"}]}
RBAC = "/apis/rbac.authorization.k8s.io/v1"


class Namespace:
    """The namespace `name`, there since `create`."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name

    def create(self, **labels: str) -> None:
        """Make it, with labels such as those of Pod Security."""
        metadata = {"name": self.name, "labels": labels}
        self.cluster.api("POST", "/api/v1/namespaces", {"metadata": metadata})

    def delete(self) -> None:
        """Ask for its end, which comes only where there is a namespace controller."""
        self.cluster.api("DELETE", f"/api/v1/namespaces/{self.name}")

    # --- paths

    def core(self, path: str) -> str:
        """The path of a core resource in here: `core("pods/x")`."""
        return self.path("/api/v1", path)

    def ours(self, path: str) -> str:
        """The path of a resource of our CRDs in here: `ours("pluginconfigs/x")`."""
        return self.path(GROUP, path)

    def path(self, group: str, path: str) -> str:
        """The path of any other resource: `path("/apis/events.k8s.io/v1", "events")`."""
        return f"{group}/namespaces/{self.name}/{path}"

    # --- who may what

    def service_account(self, name: str = "sidecar") -> str:
        """Make a service account without any right; its name."""
        self.cluster.api("POST", self.core("serviceaccounts"), {"metadata": {"name": name}})
        return name

    def user(self, service_account: str) -> str:
        """The user's name that the API server and its audit log have for the service account."""
        return f"system:serviceaccount:{self.name}:{service_account}"

    def grant(self, service_account: str, *rules: Mapping[str, Sequence[str]], role: str = "") -> None:
        """Let the service account do what the rules of a Role say in here."""
        metadata = {"name": role or service_account}
        self.cluster.apply(
            self.path(RBAC, f"roles/{metadata['name']}"),
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "Role",
                "metadata": metadata,
                "rules": rules,
            },
        )
        self.cluster.apply(
            self.path(RBAC, f"rolebindings/{metadata['name']}"),
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": metadata,
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": metadata["name"]},
                "subjects": [{"kind": "ServiceAccount", "name": service_account, "namespace": self.name}],
            },
        )

    def revoke(self, role: str) -> None:
        """Take a grant away again."""
        self.cluster.api("DELETE", self.path(RBAC, f"rolebindings/{role}"))

    def token(self, service_account: str, pod: Mapping[str, Any] | None = None, seconds: int = 3600) -> str:
        """A new token of the service account, bound to a Pod if one is given, as kubelet would project it.

        The API server believes a token for some 10 s longer than the Pod it is bound to lives.
        """
        spec: Object = {"expirationSeconds": seconds}
        if pod is not None:
            about = pod["metadata"]
            spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": about["name"], "uid": about["uid"]}
        path = self.core(f"serviceaccounts/{service_account}/token")
        answer = self.cluster.api(
            "POST", path, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        )
        token: str = answer["status"]["token"]
        return token

    def kubeconfig(self, path: Path, token: str) -> Path:
        """Write a kubeconfig at `path` for the token's owner in here."""
        return self.cluster.write_kubeconfig(path, token, self.name)

    # --- objects

    def pod(
        self, name: str, service_account: str = "default", labels: Mapping[str, str] | None = None, **spec: Any
    ) -> Object:
        """Make a Pod, which nobody ever runs; the object with its uid."""
        body = {
            "metadata": {"name": name, "labels": dict(labels or {})},
            "spec": POD | {"serviceAccountName": service_account} | spec,
        }
        return self.cluster.api("POST", self.core("pods"), body)

    def finish(self, pod: str, phase: str = "Succeeded") -> None:
        """Give a Pod a phase, as kubelet would."""
        self.cluster.api(
            "PATCH",
            self.core(f"pods/{pod}/status"),
            {"status": {"phase": phase}},
            content_type=MERGE,
        )

    def delete_pod(self, name: str) -> None:
        """Delete a Pod at once, as kubelet confirms it."""
        self.cluster.api("DELETE", self.core(f"pods/{name}"), gracePeriodSeconds=0)

    def config(self, name: str, spec: Mapping[str, Any], manager: str = "test") -> Object:
        """Apply a PluginConfig with this spec, and no other field than these from this manager."""
        body = {
            "apiVersion": "pluginmgr.dev/v1alpha1",
            "kind": "PluginConfig",
            "metadata": {"name": name},
            "spec": spec,
        }
        return self.cluster.apply(self.ours(f"pluginconfigs/{name}"), body, manager)

    def find(self, path: str) -> Object | None:
        """The object at a path such as `ours` gives, or None."""
        try:
            return self.cluster.api("GET", path)
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    def until_status(self, pod: str, fits: Callable[[Object], object], deadline: float = DEADLINE) -> Object:
        """The PluginPodStatus of a Pod once it is there and its `status` fits."""
        return self.cluster.until(self.ours(f"pluginpodstatuses/{pod}"), lambda each: fits(each["status"]), deadline)

    def kubectl(self, *words: str, **options: Any) -> CompletedProcess[str]:
        """Run kubectl in here."""
        return self.cluster.kubectl("--namespace", self.name, *words, **options)
