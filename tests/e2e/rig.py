"""A whole controller as a subprocess, in directories of its own, and what tests ask of it.

`until` is the only way to wait here: it asks the controller again and again until the answer fits, up to a deadline.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.proc import tagged
from tests.plugins import zoo

DEADLINE = 30.0
KIND = "zoo"
HANDSHAKE = {"cookieKey": zoo.COOKIE_KEY, "cookieValue": zoo.COOKIE_VALUE, "protocolVersions": [zoo.PROTOCOL_VERSION]}


class Rig:
    """Directories, a config file and, once `start`ed, a controller. `env` is its environment besides PATH and HOME."""

    def __init__(self, root: Path, run: Path) -> None:
        self.root = root
        self.plugins = root / "plugins"
        self.volume = self.plugins / KIND
        self.state = root / "state"
        self.run = run
        self.config = root / "pluginconfig.yaml"
        self.log = root / "controller.log"
        self.env: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.volume.mkdir(parents=True)

    # --- what is wanted

    def install(self, program: str | Path, name: str | None = None, version: str = "") -> Path:
        """Put a plugin onto the volume by rename."""
        return zoo.install(program, self.volume, name, version)

    def configure(self, plugins: Mapping[str, Mapping[str, Any]] | None = None, **spec: Any) -> None:
        """Write the config by rename: entries of the zoo's kind by name, and any other field of the spec."""
        entries = [{"name": name, **fields} for name, fields in (plugins or {}).items()]
        kind = {"name": KIND, "handshake": HANDSHAKE, "plugins": entries} | spec.pop("kind", {})
        kinds = [kind, *spec.pop("kinds", [])]
        self.write_config({"kinds": kinds} | spec)

    def write_config(self, spec: Mapping[str, Any] | str) -> None:
        """Write a whole spec, or any text, by rename."""
        shape = {"apiVersion": "pluginmgr.dev/v1alpha1", "kind": "PluginConfig", "metadata": {"name": "test"}}
        text = spec if isinstance(spec, str) else yaml.safe_dump(shape | {"spec": dict(spec)}, sort_keys=False)
        scratch = self.config.with_suffix(".new")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(self.config)

    # --- the process

    def command(self, *more: str) -> list[str]:
        """The command line of `start`."""
        where = [
            "--plugin-dir",
            self.plugins,
            "--config",
            self.config,
            "--state-dir",
            self.state,
            "--run-dir",
            self.run,
        ]
        always = ["--http", "127.0.0.1:0", *more]
        return [sys.executable, "-m", "controller", "run", *map(str, where), *always]

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        """Start the controller; its log goes to `log`."""
        keep = ("PATH", "HOME", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "PYTHONPATH")
        env = {name: os.environ[name] for name in keep if name in os.environ} | self.env
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(*more), env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        return self.process

    def start_failing(self, *more: str) -> tuple[int, str]:
        """Start a controller that is to end by itself; its exit code and all that it said."""
        done = self.start(*more).wait(DEADLINE)
        return done, self.tail()

    def cli(self, command: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of the other commands against this controller."""
        line = [sys.executable, "-m", "controller", command, *words, "--state-dir", str(self.state)]
        return subprocess.run(line, capture_output=True, text=True, timeout=DEADLINE, check=False)

    def terminate(self) -> int:
        """SIGTERM; the exit code."""
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(DEADLINE)

    @property
    def instance(self) -> str:
        """The name that this state dir's workers are tagged with."""
        return (self.state / "instance").read_text(encoding="ascii").strip()

    @property
    def running(self) -> subprocess.Popen[bytes]:
        """The controller's process."""
        assert self.process is not None
        return self.process

    def close(self) -> None:
        """Kill the controller if it still runs."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    # --- what is

    def ask(self, path: str, method: str = "GET") -> Any:
        """One question to the control socket."""
        connection = http.client.HTTPConnection("localhost", timeout=DEADLINE)
        connection.sock = socket.socket(socket.AF_UNIX)
        with connection.sock as sock:
            sock.settimeout(DEADLINE)
            sock.connect(os.fspath(self.state / "control.sock"))
            connection.request(method, path)
            return json.loads(connection.getresponse().read())

    def status(self) -> dict[str, Any]:
        """The status document's status."""
        return self.ask("/status")["status"]  # type: ignore[no-any-return]

    def plugin(self, name: str) -> dict[str, Any]:
        """One plugin of the zoo, all of it."""
        return self.ask(f"/plugins/{KIND}/{name}")  # type: ignore[no-any-return]

    def pids(self, name: str, phase: str = "Ready") -> list[int]:
        """The pids of a plugin's workers in a phase."""
        return [each["pid"] for each in self.plugin(name)["processes"] if each["phase"] == phase]

    def history(self, name: str | None = None) -> list[dict[str, Any]]:
        """What happened."""
        path = f"/history/{KIND}/{name}" if name else "/history"
        return self.ask(path)["items"]  # type: ignore[no-any-return]

    def until(self, fits: Callable[[dict[str, Any]], object], deadline: float = DEADLINE) -> dict[str, Any]:
        """The first status that fits; fails with the last one and the log's end."""
        ends = time.monotonic() + deadline
        last: object = "no answer"
        while time.monotonic() < ends:
            if self.process and self.process.poll() is not None:
                raise AssertionError(f"the controller ended with {self.process.returncode}\n{self.tail()}")
            try:
                last = self.status()
            except (OSError, http.client.HTTPException, ValueError, KeyError):
                time.sleep(0.01)
                continue
            if fits(last):
                return last
            time.sleep(0.005)
        raise AssertionError(f"not within {deadline} s; last status:\n{json.dumps(last, indent=1)}\n{self.tail()}")

    def until_plugin(self, name: str, fits: Callable[[dict[str, Any]], object], deadline: float = DEADLINE) -> Any:
        """The first entry of a plugin that fits."""
        found = self.until(lambda status: any(fits(each) for each in _named(status, name)), deadline)
        return next(_named(found, name))

    def until_state(self, name: str, *states: str, deadline: float = DEADLINE) -> Any:
        """The plugin's entry once it is in one of the states."""
        return self.until_plugin(name, lambda each: each["state"] in states, deadline)

    def until_condition(self, kind: str, name: str | None = None, **wanted: str) -> dict[str, Any]:
        """The pod's condition of that type, or a plugin's, once it is as wanted (status, reason)."""

        def found(status: dict[str, Any]) -> list[dict[str, Any]]:
            holders = [status] if name is None else list(_named(status, name))
            every = [each for holder in holders for each in holder["conditions"] if each["type"] == kind]
            return [each for each in every if wanted.items() <= each.items()]

        return found(self.until(found))[0]

    def until_served(self, name: str, digest: str | None = None, deadline: float = DEADLINE) -> Any:
        """The plugin's entry once it serves, and of these bytes if a digest is given."""
        return self.until_plugin(
            name,
            lambda each: each["state"] == "Serving" and digest in (None, each["servingDigest"]),
            deadline,
        )

    def records(self, message: str | None = None) -> list[dict[str, Any]]:
        """The controller's own log records, or those with this message."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [each for each in found if message in (None, each.get("message"))]

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

    def leftovers(self) -> list[str]:
        """What there should be none of after a clean end: processes, workers' directories, sockets."""
        processes = [str(pid) for pid in tagged(self.instance)]
        directories = [str(each) for each in (*self.run.iterdir(), *(self.state / "work").iterdir()) if each.is_dir()]
        return processes + directories

    def tail(self, lines: int = 40) -> str:
        """The end of the controller's log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _named(status: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    return (each for each in status["plugins"] if each["name"] == name)


@contextmanager
def rig(root: Path) -> Iterator[Rig]:
    """A rig whose controller is gone at the end. The run dir is short, since sockets live in it."""

    run = Path(tempfile.mkdtemp(prefix="pm"))
    made = Rig(root, run)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(run, ignore_errors=True)
