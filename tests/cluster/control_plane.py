"""A real etcd and a real kube-apiserver on the loopback, with RBAC, an audit log, and nothing else.

There are no controllers: Pods never run, nothing is garbage collected, and a deleted namespace stays `Terminating`.
"""

import http.client
import json
import secrets
import time
from pathlib import Path
from typing import Any

from controller.testing.answers import DEADLINE
from tests.cluster.audit import POLICY, Audit
from tests.cluster.binaries import binary
from tests.cluster.cluster import Cluster
from tests.cluster.ports import free_ports
from tests.cluster.program import Program
from tests.cluster.signing_key import signing_key

ISSUER = "https://kubernetes.default.svc"
FROM_ETCD = "/api/v1/namespaces/default?timeout=1s"  # /readyz remembers for a while that etcd was there


class ControlPlane:
    """Not running before `start`. `cluster` talks to it as an administrator whom RBAC does not bind."""

    def __init__(self, root: Path, *flags: str) -> None:
        """Keep all data, keys and logs below `root`; `flags` are more of the API server's."""
        self.root = root
        self.ports = free_ports(3)
        self.token = secrets.token_hex(16)
        self.audit = Audit(root / "audit.log")
        self._write_files()
        self.etcd = Program(binary("etcd"), root / "etcd.log", *self._etcd_flags())
        server = binary("kube-apiserver")
        self.server = Program(server, root / "kube-apiserver.log", *self._server_flags(), *flags)
        self.cluster = Cluster(
            f"https://127.0.0.1:{self.ports[0]}",
            ca=root / "certs/apiserver.crt",
            token=self.token,
            home=root,
            check=self.check,
        )

    @property
    def address(self) -> tuple[str, int]:
        """Where the API server listens."""
        return self.cluster.address

    def start(self, deadline: float = DEADLINE) -> None:
        """Start what does not run, on the same ports and data; return when the API server is ready."""
        self.etcd.start()
        self.server.start()
        ends = time.monotonic() + deadline
        while not self.is_ready():
            self.check()
            if time.monotonic() > ends:
                raise AssertionError(f"the API server is not ready within {deadline} s\n{self.server.tail()}")
            time.sleep(0.02)
        self.cluster.write_kubeconfig()

    def is_ready(self) -> bool:
        """Whether the API server answers that it is, and can read from etcd."""
        try:
            return {self.cluster.status_of(each) for each in ("/readyz", FROM_ETCD)} == {200}
        except (OSError, http.client.HTTPException):  # also before its certificate is there
            return False

    def kill(self) -> None:
        """SIGKILL the API server: connections break, and new ones are refused until `start`."""
        self.server.kill()

    def kill_etcd(self) -> None:
        """SIGKILL etcd: the API server stays, and is late and wrong about objects until `start`."""
        self.etcd.kill()

    def restart(self) -> None:
        """Kill the API server and start it again. It has forgotten its history: older watches end with 410."""
        self.kill()
        self.start()

    def compact(self) -> int:
        """Make etcd forget all but the newest revision, which is returned; the API server's own cache does not."""
        revision = int(self._ask_etcd("/v3/kv/range", {"key": "AA=="})["header"]["revision"])
        self._ask_etcd("/v3/kv/compaction", {"revision": str(revision), "physical": True})
        return revision

    def close(self) -> None:
        """Kill both for good."""
        self.server.close()
        self.etcd.close()

    def check(self) -> None:
        """Raise an AssertionError with the end of the log if one of them ended by itself."""
        self.etcd.check()
        self.server.check()

    def _ask_etcd(self, path: str, question: dict[str, Any]) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[1], timeout=DEADLINE)
        try:
            connection.request("POST", path, json.dumps(question))
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if "error" in answer:
            raise AssertionError(f"etcd: {answer['error']}")
        return answer

    def _write_files(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        files = {
            "tokens.csv": f'{self.token},admin,admin,"system:masters"\n',
            "signing.key": signing_key(),
            "audit.yaml": json.dumps(POLICY),
        }
        for name, text in files.items():
            (self.root / name).write_text(text, encoding="utf-8")

    def _etcd_flags(self) -> list[str]:
        client, peer = (f"http://127.0.0.1:{port}" for port in self.ports[1:])
        flags = {
            "data-dir": self.root / "etcd",
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            "log-level": "error",
        }
        return ["--unsafe-no-fsync", *as_flags(flags)]

    def _server_flags(self) -> list[str]:
        key = self.root / "signing.key"
        flags = {
            "etcd-servers": f"http://127.0.0.1:{self.ports[1]}",
            "bind-address": "127.0.0.1",
            "secure-port": self.ports[0],
            "endpoint-reconciler-type": "none",  # a loopback address is none that could be advertised
            "cert-dir": self.root / "certs",
            "token-auth-file": self.root / "tokens.csv",
            "authorization-mode": "RBAC",
            "disable-admission-plugins": "ServiceAccount",  # nobody makes the default account
            "service-account-issuer": ISSUER,
            "service-account-key-file": key,
            "service-account-signing-key-file": key,
            "service-cluster-ip-range": "10.0.0.0/24",
            "audit-policy-file": self.root / "audit.yaml",
            "audit-log-path": self.audit.path,
        }
        return as_flags(flags)


def as_flags(flags: dict[str, object]) -> list[str]:
    """The flags as a command line has them."""
    return [f"--{name}={value}" for name, value in flags.items()]
