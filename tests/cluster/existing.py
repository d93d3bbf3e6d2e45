"""The cluster that somebody else runs and KUBECONFIG names, for USE_EXISTING_CLUSTER=true."""

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.cluster.binaries import binary
from tests.cluster.cluster import Cluster


def existing_cluster(home: Path) -> Cluster:
    """The cluster of the current context, with the identity that stands in the kubeconfig itself.

    Raises:
        AssertionError: the context has neither a token nor a client certificate, but a command or a provider.
    """
    view = _current_context()
    about, user = view["clusters"][0]["cluster"], view["users"][0]["user"]
    certificate = None
    if "client-certificate-data" in user:
        certificate = (_file(home, user, "client-certificate-data"), _file(home, user, "client-key-data"))
    elif "token" not in user:
        raise AssertionError("the current context of KUBECONFIG has neither a token nor a client certificate")
    ca = _file(home, about, "certificate-authority-data")
    made = Cluster(
        about["server"].rstrip("/"), ca=ca, token=user.get("token"), client_certificate=certificate, home=home
    )
    made.write_kubeconfig()
    return made


def _current_context() -> dict[str, Any]:
    command = [str(binary("kubectl")), "config", "view", "--raw", "--minify", "--flatten", "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    view: dict[str, Any] = json.loads(done.stdout)
    return view


def _file(home: Path, holder: dict[str, Any], field: str) -> Path:
    place = home / field
    place.write_bytes(base64.b64decode(holder[field]))
    place.chmod(0o600)
    return place
