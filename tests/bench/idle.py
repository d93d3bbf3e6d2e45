"""Two hundred plugins that nothing happens to: what the controller costs."""

import os
import time
from pathlib import Path

from tests.bench.followed import followed, names
from tests.bench.table import Row

COUNT = 200
SECONDS = 45.0  # three periods of the health checks
CPU = 1.0  # per cent of a core
BASE, EACH = 60.0, 150 / 1024  # MiB


def cpu_seconds(pid: int) -> float:
    """What all threads of a process have used so far, by the scheduler's own nanoseconds."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def resident(pid: int) -> dict[str, float]:
    """Rss and Pss in MiB; the latter where we may see it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except PermissionError:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        return {"Rss": pages * os.sysconf("SC_PAGE_SIZE") / 2**20}
    fields = {name: value for name, _, value in (line.partition(":") for line in lines)}
    return {name: int(fields[name].split()[0]) / 1024 for name in ("Rss", "Pss")}


def idle(program: Path, count: int = COUNT, seconds: float = SECONDS) -> list[Row]:
    """CPU and memory of a controller at rest."""
    with followed() as rig:
        one = rig.stage(program, "one")
        for name in names(count):
            os.link(one, rig.volume / name)
        rig.spec()
        rig.start()
        rig.seen("registered", count=count)
        time.sleep(15)  # the first period of the checks, and whatever the start left to do
        pid = rig.running.pid
        began, used = time.monotonic(), cpu_seconds(pid)
        time.sleep(seconds)
        share = 100 * (cpu_seconds(pid) - used) / (time.monotonic() - began)
        memory = resident(pid)
    limit = BASE + EACH * count
    sizes = [
        Row(f"idle, {count} plugins: {name}", 1, size, "MiB", limit=limit, budget="= 60 + 0.15 each")
        for name, size in memory.items()
    ]
    return [Row(f"idle, {count} plugins: CPU over {seconds:g} s", 1, share, "%", limit=CPU), *sizes]
