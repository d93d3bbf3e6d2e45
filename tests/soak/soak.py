"""Everything at random under load, for as long as you like: `make soak DURATION=1800`.

Exits with 1 and says why if a promise breaks. The seed that it prints makes it choose the same deeds again.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.calls.crowd import Crowd
from tests.calls.load import HOSTS, Host, host
from tests.calls.moves import SWIFT
from tests.calls.watcher import Watcher
from tests.e2e.rig import Rig, rig
from tests.soak.deeds import DRAIN, UPDATE, Deeds
from tests.soak.samples import Series

SLACK = 2.0  # seconds, from a drain's deadline until it is seen to be over
EVERY = 3.0  # seconds between two samples
CALLERS = "8"  # of each host; with a pause the machine has time for the rest
OPTIONS = ("--timeout", "60s", "--callers", CALLERS, "--pause", "20ms")
PATIENT = (*OPTIONS, "--idempotent")
PLUGINS = {"called": "echo", "script": "good", "strict": "echo", "other": "echo"}
KILLS = (0.04, 0.12)  # the parts of the time after which the controller is killed, within what samples call warming up
BACK = 2.0  # seconds from the end of an outage until each host has noticed


class Soak:
    """The controller, its hosts, and what was seen."""

    def __init__(self, controller: Rig, seed: int) -> None:
        self.controller = controller
        self.chance = random.Random(seed)
        self.began = time.monotonic()
        self.hosts: dict[str, Host] = {}
        self.complaints: list[str] = []
        self.series: dict[str, Series] = {}
        self.outages: list[tuple[float, float]] = []  # wall times between which there was no controller

    @property
    def age(self) -> float:
        return time.monotonic() - self.began

    def serve(self) -> None:
        """The controller, its plugins, and the hosts that live as long as the soak."""
        fields = SWIFT | {"workers": 2, "update": UPDATE}
        for name, program in PLUGINS.items():
            self.controller.install(program, name)
        self.controller.configure(dict.fromkeys(PLUGINS, fields) | {"other": SWIFT})
        self.controller.start()
        self._until_served()

    def _until_served(self) -> None:
        for name in PLUGINS:
            if name != "other":  # it may be off
                self.controller.until_served(name)

    def run(self, duration: float) -> None:
        """Do deeds until the time is over; then let all come to an end, and judge."""
        self.serve()
        with ExitStack() as stack:
            for language in HOSTS:
                for plugin, options in {"called": PATIENT, "script": PATIENT, "strict": OPTIONS}.items():
                    where = (language, self.controller.run, f"zoo/{plugin}")
                    name = f"{language}-{plugin}"
                    self.hosts[name] = stack.enter_context(host(*where, "--host", name, *options))
            crowd = stack.enter_context(Crowd(self.controller.run, "zoo/called", HOSTS, *PATIENT))
            watchers = [stack.enter_context(Watcher(self.controller, name)) for name in ("called", "script", "strict")]
            deeds = Deeds(self.controller, crowd, self.chance)
            self.began = time.monotonic()
            self._do(deeds, duration)
            self._judge(deeds, crowd, watchers)
        if self.controller.terminate() != 0 or self.controller.leftovers():
            self.complaints.append(f"after the end there are {self.controller.leftovers()}")

    def _do(self, deeds: Deeds, duration: float) -> None:
        """The controller is killed in the first part only: what grows is seen in the rest."""
        sampled = 0.0
        kills = [duration * part for part in KILLS]
        while self.age < duration:
            deeds.one()
            if kills and self.age > kills[0]:
                del kills[0]
                self._kill_controller(deeds)
            if self.age - sampled > EVERY:
                deeds.settle()
                self._sample()
                sampled = self.age

    def _kill_controller(self, deeds: Deeds) -> None:
        deeds.killed |= deeds.strict.all("strict").keys()
        began = time.time()
        self.controller.kill()
        self.controller.start()
        self._until_served()
        self.outages.append((began, time.time() + BACK))

    def _sample(self) -> None:
        processes = {"controller": self.controller.running.pid} | {name: each.pid for name, each in self.hosts.items()}
        for name, pid in processes.items():
            self.series.setdefault(name, Series(name)).look(pid, self.age)

    def _judge(self, deeds: Deeds, crowd: Crowd, watchers: list[Watcher]) -> None:
        finals = {name: each.quit() for name, each in self.hosts.items()} | crowd.quit()
        for name, final in finals.items():
            excuse = self._is_excused if "strict" in name else None
            lost = [each for each in final["failures"] if not (excuse and excuse(each, deeds.killed))]
            if lost:
                self.complaints.append(f"{name} lost {len(lost)} calls: {lost[:3]}")
        self.complaints += [f"a host saw {line['text']}" for line in self._wrong(crowd)]
        self.complaints += [text for each in self.series.values() if (text := each.complaint())]
        longest = max(each.longest() for each in watchers)
        if longest > DRAIN + SLACK:
            self.complaints.append(f"a drain took {longest:.1f} s, its deadline was {DRAIN}")
        self._tell(deeds, finals, longest)

    def _is_excused(self, failure: dict[str, Any], killed: set[str]) -> bool:
        """Whether a call that may not be repeated failed with its worker, or while there was no controller."""
        return failure["worker"] in killed or any(a <= failure["sent"] <= b for a, b in self.outages)

    def _wrong(self, crowd: Crowd) -> list[dict[str, Any]]:
        return [line for each in self.hosts.values() for line in each.wrong()] + crowd.wrong()

    def _tell(self, deeds: Deeds, finals: dict[str, dict[str, Any]], longest: float) -> None:
        print(f"\n{self.age:.0f} s, {deeds.done.total()} deeds, {len(self.outages)} controllers killed")
        print(", ".join(f"{count} {name}" for name, count in deeds.done.most_common()))
        print(f"longest drain {longest:.2f} s of {DRAIN}")
        for name, final in finals.items():
            print(
                f"{name:<22} {final['calls']:>9} calls, {final['failed']} failed, "
                f"{max(0, final['tries'] - final['calls']):>5} tried again, p99 {final['p99_ms']:.1f} ms"
            )
        for each in self.series.values():
            print(each.row())


@contextmanager
def prepared(seed: int) -> Iterator[Soak]:
    """A soak in directories that are gone at the end."""
    with tempfile.TemporaryDirectory(prefix="soak") as root, rig(Path(root)) as controller:
        yield Soak(controller, seed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--duration", type=float, default=1800, help="seconds")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.duration:g} s", flush=True)
    with prepared(options.seed) as soak:
        try:
            soak.run(options.duration)
        except AssertionError as error:
            soak.complaints.append(str(error))
    for complaint in soak.complaints:
        print(f"BROKEN: {complaint}", file=sys.stderr)
    print("a promise is broken" if soak.complaints else "all promises held")
    return bool(soak.complaints)


if __name__ == "__main__":
    sys.exit(main())
