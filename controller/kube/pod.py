"""Who we are in the cluster, as the downward API tells it by environment variables. Asks nobody."""

import logging
import socket
from collections.abc import Mapping
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pod:
    """The pod that this process runs in. Without a uid, which may be "", nothing is written in its name."""

    name: str
    namespace: str
    uid: str = ""

    @classmethod
    def find(cls, environ: Mapping[str, str], namespace: str) -> "Pod":
        """The pod of this environment; `namespace` is where our credentials belong, if nobody says otherwise."""
        pod = cls(
            name=environ.get("PLUGINMGR_POD_NAME") or environ.get("HOSTNAME") or socket.gethostname(),
            namespace=environ.get("PLUGINMGR_POD_NAMESPACE") or namespace,
            uid=environ.get("PLUGINMGR_POD_UID", ""),
        )
        if not pod.uid:
            log.warning("PLUGINMGR_POD_UID is not set: no status and no Events are written", extra={"pod": pod.name})
        return pod
