"""`pluginmgr aggregate` as a process: one replica in its namespace, with exactly the rights that are shipped."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from tests.cluster.namespace import Namespace
from tests.tools.build import ROOT

ACCOUNT = "pluginmgr-aggregator"
RIGHTS = ROOT / "deploy/base/aggregator-rights.yaml"
DEADLINE = 30.0
LEASE = "pluginmgr-aggregator"


def aggregator_account(namespace: Namespace) -> str:
    """Make the service account with the Role of the manifests; its name."""
    namespace.service_account(ACCOUNT)
    grant(namespace)
    return ACCOUNT


def grant(namespace: Namespace) -> None:
    """Give it, or give it back, what the Role of the manifests says."""
    rules = next(each["rules"] for each in yaml.safe_load_all(RIGHTS.read_text()) if each["kind"] == "Role")
    namespace.grant(ACCOUNT, *rules)


class Replica:
    """Not running before `start`. `log` is what it said, a record a line."""

    def __init__(
        self,
        namespace: Namespace,
        root: Path,
        name: str,
        server: str = "",
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`server` is another address of the API server, such as a wire's; `environment` comes on top of ours."""
        root.mkdir(parents=True, exist_ok=True)
        self.namespace = namespace
        self.name = name
        self.log = root / "log"
        self.kubeconfig = namespace.kubeconfig(root / "kubeconfig", namespace.token(ACCOUNT))
        if server:
            text = self.kubeconfig.read_text().replace(namespace.cluster.server, server)
            self.kubeconfig.write_text(text)
        self.environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Replica":
        """Start it, with port 0 for its probes."""
        command = [sys.executable, "-m", "controller", "aggregate", "--http", "127.0.0.1:0"]
        command += ["--kubeconfig", str(self.kubeconfig)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PLUGINMGR_POD_NAME": self.name, **self.environment}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        return self

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process; it was started."""
        assert self._process is not None
        return self._process

    def terminate(self) -> int:
        """SIGTERM; its exit code."""
        self.process.terminate()
        return self.process.wait(DEADLINE)

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(DEADLINE)

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def records(self, message: str) -> list[dict[str, Any]]:
        """The records of its log with this message."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [each for each in found if each["message"] == message]

    def ask(self, path: str) -> tuple[int, str]:
        """What it answers over HTTP; 0 while nobody does."""
        if not (said := self.records("listening")):
            return 0, ""
        host, port = said[-1]["http"].rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def descriptors(self) -> int:
        """How many files and connections it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def metric(self, name: str) -> float:
        """The value of a metric, 0.0 where nobody answers."""
        lines = self.ask("/metrics")[1].splitlines()
        return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name)), 0.0)

    def until(self, fits: Callable[[], object], deadline: float = DEADLINE) -> float:
        """Wait until something fits while it runs; how long it took."""
        began = time.monotonic()
        while not fits():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() - began < deadline, f"not within {deadline} s\n{self.log.read_text()}"
            time.sleep(0.02)
        return time.monotonic() - began
