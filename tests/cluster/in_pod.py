"""What a process in a pod has: the pod's environment, and a service account's directory as kubelet projects it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.cluster.namespace import Namespace

SIDECAR = (  # what the sidecar's Role holds
    {"apiGroups": ["pluginmgr.dev"], "resources": ["pluginconfigs"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["pluginmgr.dev"], "resources": ["pluginpodstatuses"], "verbs": ["get", "create", "patch"]},
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
)

Rule = Mapping[str, Sequence[str]]


class InPod:
    """A Pod object of this name in the namespace, which nobody runs, and what its sidecar would find inside."""

    def __init__(self, namespace: Namespace, directory: Path, name: str = "web-0", rules: Sequence[Rule] = SIDECAR):
        self.namespace = namespace
        self.directory = directory
        self.account = namespace.service_account(f"of-{name}")
        self.rules = rules
        self.allow()
        self.pod: dict[str, Any] = namespace.pod(name, self.account)
        directory.mkdir(parents=True)
        (directory / "ca.crt").write_bytes(namespace.cluster.ca.read_bytes())
        (directory / "namespace").write_text(namespace.name)
        self.put_token(namespace.token(self.account, self.pod))

    @property
    def environ(self) -> dict[str, str]:
        where = urlsplit(self.namespace.cluster.server)
        return {
            "KUBERNETES_SERVICE_HOST": where.hostname or "",
            "KUBERNETES_SERVICE_PORT": str(where.port),
            "PLUGINMGR_SERVICEACCOUNT_DIR": str(self.directory),
            "PLUGINMGR_POD_NAME": self.pod["metadata"]["name"],
            "PLUGINMGR_POD_NAMESPACE": self.namespace.name,
            "PLUGINMGR_POD_UID": self.pod["metadata"]["uid"],
            "PLUGINMGR_X509_STRICT": "false",
        }

    def put_token(self, token: str) -> None:
        (self.directory / "token").write_text(token)

    def allow(self) -> None:
        self.namespace.grant(self.account, *self.rules)

    def forbid(self) -> None:
        self.namespace.revoke(self.account)
