"""A controller that follows a PluginConfig of the cluster, in an environment like a pod's, with the zoo on its volume.

Everything that a test does to a local mode it does to this one; flags go through the API server.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from controller.testing.answers import DEADLINE
from controller.testing.local_mode import in_local_mode
from tests.cluster.api import Object
from tests.cluster.namespace import Namespace
from tests.cluster.token_volume import TokenVolume
from tests.e2e.rig import Rig
from tests.tools.build import ROOT

ACCOUNT = "pluginmgr-sidecar"
RIGHTS = ROOT / "deploy/base/sidecar.yaml"


class ClusterMode(Rig):
    """Not running before `start`; the Pod is there, with the service account and the Role that are shipped."""

    def __init__(self, root: Path, run: Path, namespace: Namespace, pod: str = "web-0", name: str = "plugins") -> None:
        """Make the Pod `pod` of a sidecar that follows the PluginConfig `name`, which is not made yet."""
        super().__init__(root, run)
        self.namespace = namespace
        self.name = name
        namespace.kubectl("apply", "--server-side", "--filename", str(RIGHTS))
        self.pod = namespace.pod(pod, ACCOUNT, {"pluginmgr.dev/config": name})
        self.token_volume = TokenVolume(root / "serviceaccount")
        self.renew_token()
        self.env |= self.environment()
        self.via(namespace.cluster.address)

    def environment(self) -> dict[str, str]:
        """What the manifests give the sidecar by the downward API, and where its credentials are here."""
        return {
            "PLUGINMGR_SERVICEACCOUNT_DIR": str(self.token_volume.directory),
            "PLUGINMGR_POD_NAME": self.pod["metadata"]["name"],
            "PLUGINMGR_POD_NAMESPACE": self.namespace.name,
            "PLUGINMGR_POD_UID": self.pod["metadata"]["uid"],
        }

    def via(self, address: tuple[str, int]) -> None:
        """Let the next `start` reach the API server there, such as at the near end of a wire."""
        host, port = address
        self.env |= {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": str(port)}

    def renew_token(self) -> str:
        """Put a new token of the pod into its volume, as kubelet does; the token."""
        token = self.namespace.token(ACCOUNT, self.pod)
        self.token_volume.write(token, self.namespace.cluster.ca.read_bytes(), self.namespace.name)
        return token

    def command(self, *options: str) -> list[str]:
        """The command line of `start`."""
        words = super().command(*options)
        at = words.index("--config")
        return [*words[:at], "--pluginconfig", self.name, *words[at + 2 :]]

    # --- the PluginConfig

    @property
    def path(self) -> str:
        """The PluginConfig's path."""
        return self.namespace.ours(f"pluginconfigs/{self.name}")

    def write_config(self, spec: Mapping[str, Any] | str) -> None:
        """Replace the PluginConfig's whole spec, or make it; a text is a whole document.

        Raises:
            ApiError: the API server refuses it.
        """
        new = yaml.safe_load(spec)["spec"] if isinstance(spec, str) else dict(spec)
        found = self.namespace.find(self.path)
        if found is None:
            self.namespace.config(self.name, new)
        else:
            self.namespace.cluster.api("PUT", self.path, found | {"spec": new})

    def spec(self) -> dict[str, Any]:
        """Read the spec back; one without kinds where there is no object yet."""
        found = self.namespace.find(self.path)
        spec: dict[str, Any] = found["spec"] if found else {"kinds": []}
        return spec

    def delete_config(self) -> None:
        """Delete the PluginConfig."""
        self.namespace.cluster.api("DELETE", self.path)

    # --- what it tells the cluster

    @property
    def status_path(self) -> str:
        """The path of the pod's PluginPodStatus."""
        return self.namespace.ours(f"pluginpodstatuses/{self.pod['metadata']['name']}")

    def until_told(self, fits: Callable[[Object], object], deadline: float = DEADLINE) -> Object:
        """The pod's PluginPodStatus once it is there and its `status` fits."""
        self.check()
        return self.namespace.cluster.until(self.status_path, lambda each: fits(each["status"]), deadline)


@contextmanager
def cluster_mode_in(
    namespace: Namespace, root: Path, pod: str = "web-0", name: str = "plugins"
) -> Iterator[ClusterMode]:
    """A controller of its own pod, gone at the end of the block; several may share the namespace and the config."""
    with in_local_mode(root, lambda root, run: ClusterMode(root, run, namespace, pod, name)) as made:
        yield made
