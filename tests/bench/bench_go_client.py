"""What the Go client's pool costs: alone, and around a call beside the same call on a bare connection."""

import os
import re
import statistics
import subprocess

from tests.bench.table import Row
from tests.tools import build

ROUNDS = 5
CALLS = 2000  # in each round
ALONE_LIMIT = 10  # microseconds
CALL_LIMIT = 1.1  # times the bare call


def go_client() -> list[Row]:
    """Both lines of the table; the two sides of the second one take turns call by call."""
    command = [build.go(), "test", "-run", "^$", "-bench", ".", "-benchtime", f"{CALLS}x", "-count", str(ROUNDS), "."]
    env = {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "", "CGO_ENABLED": "0"}
    done = subprocess.run(
        command, cwd=build.ROOT / "clients/go", env=env, check=True, stdout=subprocess.PIPE, text=True
    )
    alone = _median(done.stdout, "AcquireRelease", "ns/op")
    ours, bare = (_median(done.stdout, "Call", unit) for unit in ("pool-ns", "bare-ns"))
    n = ROUNDS * CALLS
    return [
        Row("Go: acquire and release", n, alone, "us", limit=ALONE_LIMIT),
        Row("Go: a call through the pool", n, ours, "us", bare, CALL_LIMIT * bare, f"= {CALL_LIMIT} x bare"),
    ]


def _median(said: str, benchmark: str, unit: str) -> float:
    """Microseconds, over all rounds."""
    lines = re.findall(rf"^Benchmark{benchmark}-?\d*\s.*?([\d.]+) {unit}\b", said, re.MULTILINE)
    if len(lines) != ROUNDS:
        raise RuntimeError(f"no figures of {benchmark} in {unit}: {said}")
    return statistics.median(map(float, lines)) / 1000


if __name__ == "__main__":
    for row in go_client():
        print("  ".join(row.cells()))
