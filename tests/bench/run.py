"""The budgets: prints one table of ours, the bare thing, their ratio and the limit. `make bench` calls it.

    python tests/bench/run.py [--only WORD]...

Both sides of a ratio take turns within one run, since the machine's mood changes; figures are medians of n. The exit
code is 0 however it went: a busy machine misses budgets that a quiet one keeps, so the load is printed.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # from a checkout, whatever the working directory

from tests.bench import bench_aggregate, bench_go_client, bench_pool, hundred, idle, one_plugin, small
from tests.bench.table import Row, load, show
from tests.tools import build


def _benches() -> dict[str, Callable[[], list[Row]]]:
    program, host = build.build("go-plugin-1.8.0-grpc"), build.build("gohost")
    return {
        "register": lambda: one_plugin.registers(program),
        "hundred": lambda: hundred.hundred(program, host),
        "restart": lambda: one_plugin.restart(program),
        "flag": lambda: one_plugin.flag(program),
        "idle": lambda: idle.idle(program),
        "checks": lambda: small.checks(program),
        "step": small.steps,
        "rescan": small.rescan,
        "help": small.usage,
        "go-client": bench_go_client.go_client,
        "aggregate": bench_aggregate.aggregate,
        "pool": lambda: bench_pool.pools(build.build("echo")),
    }


def main() -> None:
    """Run what is asked for, all by default."""
    benches = _benches()
    parser = argparse.ArgumentParser(description="print the table of budgets")
    parser.add_argument("--only", action="append", choices=benches, help="this one; may be given several times")
    chosen = parser.parse_args().only or list(benches)
    print(load())
    rows: list[Row] = []
    for name in chosen:
        print(f"  {name} ...", file=sys.stderr, flush=True)
        rows += benches[name]()
    print(show(rows))
    print(load())


if __name__ == "__main__":
    main()
