"""What a test asks a running controller: its control socket, waited on until an answer fits.

All of it blocks. In a coroutine, `await asyncio.to_thread(mode.until_served, "rule/x")` lets the loop turn meanwhile.
"""

import http.client
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from controller.testing.wanted import key_of

DEADLINE = float(os.environ.get("PLUGINMGR_TEST_SECONDS", "30"))  # for anything that is waited for
PAUSE = 0.005  # between two questions

Document = dict[str, Any]


class Answers:
    """Asks the controller whose state directory is `state`; `kind` completes names as in `Wanted`."""

    def __init__(self, state: Path, kind: str) -> None:
        self.state = state
        self.kind = kind

    def ask(self, path: str, method: str = "GET") -> Any:
        """One question to the control socket; docs/reference/http.md has the paths."""
        connection = http.client.HTTPConnection("localhost", timeout=DEADLINE)
        connection.sock = socket.socket(socket.AF_UNIX)
        with connection.sock as sock:
            sock.settimeout(DEADLINE)
            sock.connect(os.fspath(self.state / "control.sock"))
            connection.request(method, path)
            body = connection.getresponse().read()
        lines = body.splitlines() if path.startswith("/logs/") else [body]
        answers = [json.loads(line) for line in lines]
        return answers if path.startswith("/logs/") else answers[0]

    def status(self) -> Document:
        """The status document's status."""
        status: Document = self.ask("/status")["status"]
        return status

    def plugin(self, plugin: str) -> Document:
        """One plugin, all of it."""
        about: Document = self.ask(f"/plugins/{self.key(plugin)}")
        return about

    def pids(self, plugin: str, phase: str = "Ready") -> list[int]:
        """The pids of a plugin's workers in a phase."""
        return [each["pid"] for each in self.plugin(plugin)["processes"] if each["phase"] == phase]

    def history(self, plugin: str | None = None) -> list[Document]:
        """What happened, oldest first: to one plugin, or to all."""
        items: list[Document] = self.ask(f"/history/{self.key(plugin)}" if plugin else "/history")["items"]
        return items

    def logs(self, plugin: str) -> list[Document]:
        """What the plugin's workers said last."""
        records: list[Document] = self.ask(f"/logs/{self.key(plugin)}")
        return records

    def restart(self, plugin: str) -> None:
        """Ask for fresh workers, as `pluginmgr restart` does."""
        self.ask(f"/restart/{self.key(plugin)}", "POST")

    # --- until

    def until(self, fits: Callable[[Document], object], deadline: float = DEADLINE) -> Document:
        """The first status that fits.

        Raises:
            AssertionError: none did within `deadline` seconds, or the controller has ended; tells the last one.
        """
        ends = time.monotonic() + deadline
        last: object = "no answer"
        while time.monotonic() < ends:
            self.check()
            try:
                last = status = self.status()
            except (OSError, http.client.HTTPException, ValueError, KeyError):
                time.sleep(PAUSE)
                continue
            if fits(status):
                return status
            time.sleep(PAUSE)
        raise AssertionError(f"not within {deadline} s; last status:\n{json.dumps(last, indent=1)}\n{self.tail()}")

    def until_plugin(self, plugin: str, fits: Callable[[Document], object], deadline: float = DEADLINE) -> Document:
        """The first entry of a plugin that fits."""
        found = self.until(lambda status: any(fits(each) for each in self._entries(status, plugin)), deadline)
        return next(self._entries(found, plugin))

    def until_state(self, plugin: str, *states: str, deadline: float = DEADLINE) -> Document:
        """The plugin's entry once it is in one of the states."""
        return self.until_plugin(plugin, lambda each: each["state"] in states, deadline)

    def until_served(self, plugin: str, digest: str | None = None, deadline: float = DEADLINE) -> Document:
        """The plugin's entry once it serves, and of these bytes if a digest is given."""
        return self.until_plugin(
            plugin,
            lambda each: each["state"] == "Serving" and digest in (None, each["servingDigest"]),
            deadline,
        )

    def until_condition(self, kind: str, plugin: str | None = None, **wanted: str) -> Document:
        """The pod's condition of that type, or a plugin's, once it is as wanted (status, reason)."""

        def found(status: Document) -> list[Document]:
            holders = [status] if plugin is None else list(self._entries(status, plugin))
            every = [each for holder in holders for each in holder["conditions"] if each["type"] == kind]
            return [each for each in every if wanted.items() <= each.items()]

        return found(self.until(found))[0]

    # --- what a waiting question wants to know of the process

    def check(self) -> None:
        """Raise an AssertionError if no answer can come any more."""

    def tail(self, lines: int = 40) -> str:
        """The end of the controller's log, for the text of a failure."""
        return f"(no log: {lines} lines were wanted)"

    def key(self, plugin: str) -> str:
        """Complete a name to kind/name."""
        return key_of(plugin, self.kind)

    def _entries(self, status: Mapping[str, Any], plugin: str) -> Iterator[Document]:
        kind, _, name = self.key(plugin).partition("/")
        return (each for each in status["plugins"] if (each["kind"], each["name"]) == (kind, name))
