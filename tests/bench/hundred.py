"""A hundred Go plugins at once, beside Go's own go-plugin host that starts the same binary a hundred times.

Three ways to begin: a controller that is up and is told by one edit of the file; a controller that is itself started,
with the binary in its store; and one whose store is empty. All files are links to one, as the host too runs one.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path

from tests.bench.bench_launch import go_host
from tests.bench.followed import Followed, followed, names
from tests.bench.table import Row

COUNT = 100
ROUNDS = 7
LIMIT = 1.15

Times = dict[str, float]


def _rounds(rig: Followed, count: int) -> Times:
    """One start with a cold store, one with a warm one, one edit."""
    times: Times = {}
    for store in ("cold", "warm"):
        began = time.monotonic()
        rig.start()
        up = rig.seen("listening")
        last = rig.seen("registered", count=count)
        times |= {f"{store} start": last - began, f"{store} up": last - up}
        if store == "cold":
            rig.terminate()
    rig.edit(defaults={"enabled": False})
    rig.seen("unregistered", count=count)
    rig.until(lambda status: all(each["state"] == "Disabled" for each in status["plugins"]))
    rig.forget()
    began = rig.edit(defaults={"enabled": True})
    times["edit"] = rig.seen("registered", count=count) - began
    return times


def _once(program: Path, host: Path, count: int) -> Times:
    with followed() as rig:
        one = rig.stage(program, "one")
        for name in names(count):
            os.link(one, rig.volume / name)
        rig.spec()
        times = _rounds(rig, count)
    with tempfile.TemporaryDirectory() as directory:
        times["host"], _ = go_host(str(host), str(program), count, directory)
    return times


def hundred(program: Path, host: Path, rounds: int = ROUNDS) -> list[Row]:
    """All rows about many at once."""
    seen = [_once(program, host, COUNT) for _ in range(rounds)]
    medians = {name: statistics.median(each[name] for each in seen) for name in seen[0]}
    bare = medians["host"]
    about = {
        "edit": f"{COUNT} plugins enabled by an edit",
        "warm up": f"{COUNT} plugins, warm store, from listening",
        "cold up": f"{COUNT} plugins, cold store, from listening",
        "warm start": f"{COUNT} plugins, warm store, from exec of pluginmgr",
        "cold start": f"{COUNT} plugins, cold store, from exec of pluginmgr",
    }
    return [
        Row(what, rounds, medians[name], "s", bare, bare * LIMIT, f"= {LIMIT} x Go's host")
        for name, what in about.items()
    ]
