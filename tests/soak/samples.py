"""Memory and descriptors of processes over time, and whether they are flat."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

WARM = 0.2  # the part at the beginning that is not looked at: caches fill, allocators learn
MOST_KIB = 4 * 1024  # what counts as flat, over the whole run
MOST_PART = 0.05  # the same, as a part of what there is
MOST_DESCRIPTORS = 8
FEW = 10  # samples, under which a slope says nothing


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at one process; `at` is in seconds since the beginning."""

    at: float
    kib: int
    descriptors: int


@dataclass(slots=True)
class Series:
    """All looks at one process."""

    name: str
    samples: list[Sample] = field(default_factory=list)

    def look(self, pid: int, at: float) -> None:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        self.samples.append(Sample(at, kib, sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())))

    @property
    def warm(self) -> list[Sample]:
        """The samples that count."""
        return self.samples[int(len(self.samples) * WARM) :]

    def growth(self) -> tuple[float, float]:
        """KiB and descriptors that it grew by, going by the slope of all that counts."""
        took = self.warm[-1].at - self.warm[0].at
        kib = slope((each.at, each.kib) for each in self.warm)
        return kib * took, slope((each.at, each.descriptors) for each in self.warm) * took

    def complaint(self) -> str:
        """Why it is not flat; empty if it is, or if there are too few samples to tell."""
        if len(self.warm) < FEW:
            return ""
        kib, descriptors = self.growth()
        limit = max(MOST_KIB, MOST_PART * median(each.kib for each in self.warm))
        if kib > limit:
            return f"{self.name} grew by {kib:.0f} KiB, more than {limit:.0f}"
        if descriptors > MOST_DESCRIPTORS:
            return f"{self.name} grew by {descriptors:.0f} descriptors, more than {MOST_DESCRIPTORS}"
        return ""

    def row(self) -> str:
        """One line of the table."""
        if len(self.warm) < FEW:
            return f"{self.name:<22} only {len(self.samples)} samples"
        kib, descriptors = self.growth()
        first, last = self.warm[0], self.warm[-1]
        return (
            f"{self.name:<22} {first.kib:>8} {last.kib:>8} KiB, slope {kib:>+8.0f} over the run;"
            f" {first.descriptors:>5} {last.descriptors:>5} descriptors, slope {descriptors:>+6.1f}"
        )


def slope(points: Iterable[tuple[float, float]], most: int = 300) -> float:
    """The median of the slopes between any two points (Theil and Sen): a few that stick out change nothing."""
    every = list(points)
    every = every[:: max(1, len(every) // most)]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for i, a in enumerate(every) for b in every[i + 1 :] if b[0] > a[0]]
    return median(slopes) if slopes else 0.0
