"""The pods of one config, counted: a report more or less costs its own plugins, not all pods anew.

No clock and no I/O. Whatever the order of adding and removing, the same reports give the same counts.
"""

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import NamedTuple, TypeVar

from controller.kube.report import Report, Verdict

Key = TypeVar("Key", bound=Hashable)


class Shade(NamedTuple):
    """What pods are told apart by, of one plugin."""

    verdict: Verdict
    is_ready: bool
    reason: str


class Fault(NamedTuple):
    """One way to fail. A fault of the pod as a whole has neither kind nor name."""

    kind: str
    name: str
    reason: str


@dataclass(slots=True)
class Tally:
    """`pods`, `ready` and `failed` are numbers of pods; `faults` has the message of each pod that has one."""

    pods: int = 0
    ready: int = 0
    failed: int = 0
    generations: Counter[tuple[str, int]] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    plugins: dict[tuple[str, str], Counter[Shade]] = field(default_factory=dict)
    faults: dict[Fault, dict[str, str]] = field(default_factory=dict)

    def add(self, report: Report) -> None:
        """Count a pod. One that is on its way out follows nothing any more."""
        if report.is_leaving:
            return
        self._count(report, 1)
        for fault, message in faults(report).items():
            self.faults.setdefault(fault, {})[report.pod] = message

    def remove(self, report: Report) -> None:
        """Count a pod no longer; it must be the report that was added."""
        if report.is_leaving:
            return
        self._count(report, -1)
        for fault in faults(report):
            pods = self.faults[fault]
            del pods[report.pod]
            if not pods:
                del self.faults[fault]

    def outdated(self, uid: str, generation: int) -> int:
        """Return the number of pods that have not taken over this generation of the config with this uid."""
        generations = tuple(self.generations.items())  # a scrape reads them in its own thread
        current = sum(pods for (of, seen), pods in generations if of in (uid, "") and seen >= generation)
        return self.pods - current

    def _count(self, report: Report, by: int) -> None:
        self.pods += by
        self.ready += by * report.is_ready
        self.failed += by * report.is_failed
        _shift(self.generations, (report.config_uid, report.generation), by)
        for reason in {trouble.reason for trouble in report.troubles}:
            _shift(self.troubles, reason, by)
        for each in report.plugins:
            key = (each.kind, each.name)
            shades = self.plugins.setdefault(key, Counter())
            _shift(shades, Shade(each.verdict, each.is_ready, each.reason), by)
            if not shades:
                del self.plugins[key]


def faults(report: Report) -> dict[Fault, str]:
    """Return what is to be told of a pod."""
    of_pod = {Fault("", "", trouble.reason): trouble.message for trouble in report.troubles}
    return of_pod | {
        Fault(each.kind, each.name, each.reason): each.message
        for each in report.plugins
        if each.verdict in (Verdict.FAILED, Verdict.DEGRADED)
    }


def samples(faults: Mapping[Fault, Mapping[str, str]], most: int) -> list[tuple[Fault, str, str]]:
    """Return fault, pod and message of at most `most` failures: one of each fault before a second of any.

    Which ones depends on what fails alone, so that the choice does not change by itself.
    """
    chosen: list[tuple[Fault, str, str]] = []
    waiting = {fault: nsmallest(most, faults[fault])[::-1] for fault in nsmallest(most, faults)}
    while waiting and len(chosen) < most:
        for fault in list(waiting)[: most - len(chosen)]:
            pod = waiting[fault].pop()
            chosen.append((fault, pod, faults[fault][pod]))
            if not waiting[fault]:
                del waiting[fault]
    return sorted(chosen)


def _shift(counts: Counter[Key], key: Key, by: int) -> None:
    counts[key] += by
    if not counts[key]:
        del counts[key]
