"""A rescan of 10,000 unchanged files beside a bare scandir and stat of them; budget 1.5 times.

Run: `python tests/bench/bench_rescan.py`. Both in one process, interleaved; medians.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from controller.volume import Moment, Scanner, Store

FILES = 10_000
ROUNDS = 40
BUDGET = 1.5


def bare(directory: str) -> int:
    """Look at every file in the least way that sees a change."""
    with os.scandir(directory) as entries:
        return sum(entry.stat().st_mtime_ns for entry in entries)


def seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder, "volume", "rules")
        rules.mkdir(parents=True)
        for number in range(FILES):
            path = rules / f"rule-{number:05}"
            path.write_bytes(b"%d" % number)
            path.chmod(0o755)
            os.utime(path, (1, 1))
        scanner = Scanner(Path(folder, "volume"), Store(Path(folder, "store")), budget=1000.0)

        def rescan() -> object:
            return scanner.scan([str(rules)], frozenset(), Moment(time.time(), time.monotonic())).directories[
                str(rules)
            ]

        first = rescan()
        pairs = [(seconds(lambda: bare(str(rules))), seconds(rescan)) for _ in range(ROUNDS)]
        if rescan() is not first:
            raise SystemExit("the rescan saw changes where there were none")
        scanner.close()
    plain, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = ours / plain
    print(
        f"rescan of {FILES:,} files: {ours * 1e3:.1f} ms, bare {plain * 1e3:.1f} ms, ratio {ratio:.2f}, budget {BUDGET}"
    )
    return 0 if ratio <= BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
