"""`controller.testing`'s local mode with the zoo on its volume: names alone are names of the zoo's kind.

`until` is the only way to wait here: it asks the controller again and again until the answer fits, up to a deadline.
"""

import http.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from controller.testing.answers import DEADLINE
from controller.testing.local_mode import LocalMode, in_local_mode
from tests.plugins import zoo

KIND = "zoo"
HANDSHAKE = {"cookieKey": zoo.COOKIE_KEY, "cookieValue": zoo.COOKIE_VALUE, "protocolVersions": [zoo.PROTOCOL_VERSION]}


class Rig(LocalMode):
    """A local mode whose volume has the zoo."""

    def __init__(self, root: Path, run: Path) -> None:
        super().__init__(root, run, KIND)
        self.volume = self.plugins / KIND
        self.volume.mkdir()

    def install(self, program: str | Path, name: str | None = None, version: str = "") -> Path:
        """Put a plugin onto the volume by rename."""
        return zoo.install(program, self.volume, name, version)

    def configure(self, plugins: Mapping[str, Mapping[str, Any]] | None = None, **spec: Any) -> None:
        """Write the config by rename: entries of the zoo's kind by name, and any other field of the spec."""
        entries = [{"name": name, **fields} for name, fields in (plugins or {}).items()]
        kind = {"name": KIND, "handshake": HANDSHAKE, "plugins": entries} | spec.pop("kind", {})
        kinds = [kind, *spec.pop("kinds", [])]
        self.write_config({"kinds": kinds} | spec)

    def http(self, path: str) -> tuple[int, str]:
        """Ask the port for probes and metrics that the log names: status and body."""
        host, _, port = self.records("listening")[-1]["http"].rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@contextmanager
def rig(root: Path) -> Iterator[Rig]:
    """A rig whose controller is gone at the end."""
    with in_local_mode(root, Rig) as made:
        yield made
