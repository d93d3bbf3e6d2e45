"""kubectl as a person uses it, against the cluster that KUBECONFIG names; `KUBECTL` is the command, with arguments."""

import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

SECONDS = float(os.environ.get("PLUGINMGR_TEST_SECONDS", "90"))  # for whatever is waited for
ANSWERED = re.compile(r'^I\d{4} (\S+) .*"Response" verb="PATCH" .*status="200 OK"', re.MULTILINE)


class Kubectl:
    """In one namespace."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._command = shlex.split(os.environ.get("KUBECTL", "kubectl"))

    def line(self, *args: str) -> list[str]:
        """The command line, for those who start it themselves."""
        return [*self._command, "--namespace", self.namespace, *args]

    def run(self, *args: str, given: str | None = None, env: Mapping[str, str] | None = None) -> str:
        """What it prints.

        Raises:
            AssertionError: it did not succeed.
        """
        done = self.attempt(*args, given=given, env=env)
        assert done.returncode == 0, f"kubectl {' '.join(args)}: {done.stderr or done.stdout}"
        return done.stdout

    def attempt(
        self, *args: str, given: str | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end, whichever that is."""
        return subprocess.run(
            self.line(*args),
            input=given,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS * 2,
        )

    def get(self, *args: str) -> Any:
        """An object, or a list's items."""
        found = json.loads(self.run("get", *args, "-o", "json"))
        return found["items"] if found["kind"] == "List" else found

    def apply(self, document: Mapping[str, Any]) -> None:
        """Apply one document."""
        self.run("apply", "-f", "-", given=json.dumps(document))

    def exec(self, pod: str, container: str, *command: str) -> str:
        """What a command inside prints."""
        return self.run("exec", pod, "-c", container, "--", *command)

    def edit(self, what: str, sed: str, scratch: Path) -> float:
        """`kubectl edit` with an editor that runs this sed program; returns when the API server answered."""
        editor = scratch / "editor"
        editor.write_text(f'#!/bin/sh\nexec sed -i -e {shlex.quote(sed)} "$1"\n')
        editor.chmod(0o755)
        done = self.attempt("-v=6", "edit", what, env={"EDITOR": str(editor), "KUBE_EDITOR": str(editor)})
        assert "edited" in done.stdout, done.stderr + done.stdout
        return _moment(ANSWERED.findall(done.stderr)[-1])

    def until(self, fits: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
        """Ask again and again until the answer is true; return it."""
        deadline = time.monotonic() + seconds
        while not (answer := fits()):
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
            time.sleep(0.1)
        return answer


def _moment(clock: str) -> float:
    """Kubernetes' log has the local time of day, and no date."""
    now = datetime.now().astimezone()
    found = datetime.strptime(clock, "%H:%M:%S.%f").replace(
        year=now.year, month=now.month, day=now.day, tzinfo=now.tzinfo
    )
    return found.timestamp()
