"""Hosts that follow one registry and are stopped, continued, killed and started again as chance has it."""

import random
import signal
import time
from pathlib import Path
from typing import Any, Self

from tests.calls.load import Host

LONG = 10.0  # seconds


class Crowd:
    """One host of each language. `former` ones were killed; `deeds` tells what was done."""

    def __init__(self, run_dir: Path, key: str, languages: tuple[str, ...], *options: str) -> None:
        self._where, self._options = (run_dir, key), options
        self.hosts: dict[str, Host] = {}
        self.stopped: dict[str, float] = {}  # since when
        self.former: list[Host] = []
        self.deeds: list[str] = []
        for language in languages:
            self._start(language)

    def __enter__(self) -> Self:
        for each in self.hosts.values():
            each.wait_for("ready")
        return self

    def __exit__(self, *_: object) -> None:
        for each in (*self.hosts.values(), *self.former):
            each.close()

    def stir(self, chance: random.Random) -> None:
        """Do something to one host, or nothing."""
        self.relent()
        language = chance.choice(sorted(self.hosts))
        deed = chance.choice(["continue", "restart"] if language in self.stopped else ["stop", "restart", "leave"])
        self.deeds.append(f"{deed} {language}")
        match deed:
            case "stop":
                self.hosts[language].signal(signal.SIGSTOP)
                self.stopped[language] = time.monotonic()
            case "continue":
                self._continue(language)
            case "restart":
                self.hosts[language].close()
                self.stopped.pop(language, None)
                self.former.append(self.hosts[language])
                self._start(language)

    def relent(self) -> None:
        """Continue who has been stopped for long: a call's own deadline goes on meanwhile."""
        for language in [each for each, since in self.stopped.items() if time.monotonic() - since > LONG]:
            self._continue(language)

    def quit(self) -> dict[str, dict[str, Any]]:
        """Let all go on and come to their end; their figures."""
        for language in sorted(self.stopped):
            self._continue(language)
        for each in self.hosts.values():
            each.wait_for("ready")
        return {language: each.quit() for language, each in self.hosts.items()}

    def wrong(self) -> list[Any]:
        """What hosts saw that must never be."""
        every = (*self.hosts.values(), *self.former)
        return [line for each in every for line in each.wrong()]

    def _continue(self, language: str) -> None:
        self.hosts[language].signal(signal.SIGCONT)
        self.stopped.pop(language, None)

    def _start(self, language: str) -> None:
        self.hosts[language] = Host(language, *self._where, "--host", language, *self._options)
