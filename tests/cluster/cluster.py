"""A cluster as a test uses it: plain requests, real kubectl, our CRDs."""

import http.client
import json
import os
import secrets
import subprocess
import time
from pathlib import Path
from typing import Any

from controller.testing.answers import DEADLINE
from tests.cluster.api import Api, ApiError, Object
from tests.cluster.binaries import binary
from tests.tools.build import ROOT

__all__ = ["Api", "ApiError", "Cluster", "Object", "unique"]

CRDS = ("pluginconfigs", "pluginpodstatuses")
GROUP = "/apis/pluginmgr.dev/v1alpha1"


class Cluster(Api):
    """An API server with us as its administrator; kubectl has its files below `home`."""

    def __init__(self, server: str, *, home: Path, **identity: Any) -> None:
        super().__init__(server, **identity)
        self.home = home
        self.kubeconfig = home / "kubeconfig"

    # --- kubectl

    def kubectl(
        self, *words: str, stdin: str | None = None, check: bool = True, kubeconfig: Path | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator, or as `kubeconfig` says; `check=False` for a failure that is wanted."""
        inherited = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "KUBECONFIG": str(kubeconfig or self.kubeconfig),
        }
        done = subprocess.run(
            [str(binary("kubectl")), *words],
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=DEADLINE * 2,
            check=False,
            env=inherited | env,
        )
        if check and done.returncode:
            self.check()
            raise AssertionError(f"kubectl {' '.join(words)}: {done.stderr}")
        return done

    def write_kubeconfig(self, path: Path | None = None, token: str | None = None, namespace: str = "default") -> Path:
        """Write what kubectl needs to be the administrator, or whom the token says."""
        user = {"token": token or self.token} if token or self.token else self._certificate_user()
        cluster = {"server": self.server, "certificate-authority": str(self.ca)}
        context = {"cluster": "test", "user": "test", "namespace": namespace}
        place = path or self.kubeconfig
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": user}],
            "contexts": [{"name": "test", "context": context}],
        }
        place.write_text(json.dumps(document), encoding="utf-8")
        return place

    # --- our CRDs

    def install_crds(self) -> None:
        """Apply those of crds/ unless they are served."""
        if all(self.status_of(f"{GROUP}/{each}?limit=1") == 200 for each in CRDS):
            return
        self.kubectl("apply", "--server-side", "--force-conflicts", "--kustomize", str(ROOT / "crds"))
        ends = time.monotonic() + DEADLINE
        while not all(self.status_of(f"{GROUP}/{each}?limit=1") == 200 for each in CRDS):
            if time.monotonic() > ends:
                raise AssertionError(f"the CRDs are not served within {DEADLINE} s")
            time.sleep(0.02)

    def remove_crd(self, plural: str) -> None:
        """Delete one of our CRDs, with all its objects; return when it is served no more."""
        self.api("DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.pluginmgr.dev")
        ends = time.monotonic() + DEADLINE
        while self.status_of(f"{GROUP}/{plural}") != http.client.NOT_FOUND:
            if time.monotonic() > ends:
                raise AssertionError(f"{plural} is still served after {DEADLINE} s")
            time.sleep(0.02)

    def _certificate_user(self) -> dict[str, str]:
        if self.client_certificate is None:
            raise AssertionError("neither a token nor a client certificate")
        return dict(zip(("client-certificate", "client-key"), map(str, self.client_certificate), strict=True))


def unique(prefix: str) -> str:
    """A name that no other test has."""
    return f"{prefix}-{secrets.token_hex(4)}"
