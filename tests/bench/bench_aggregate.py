"""An edit of a config that 2,000 pods of 20 plugins follow: what it costs the aggregator, and everybody else.

python tests/bench/bench_aggregate.py
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from controller.kube.report import Reader  # noqa: E402
from controller.kube.summary import ConfigSeen, summary  # noqa: E402
from controller.kube.tally import Tally  # noqa: E402
from tests.bench.small_api import SmallApi, small_api  # noqa: E402
from tests.bench.table import Row, load, show  # noqa: E402
from tests.kube.reported import condition, failing, plugin, pod_status  # noqa: E402

PODS = 2000
PLUGINS = 20
SECONDS = 10.0  # in which all pods report: many more a second than sidecars allow themselves
DEADLINE = 120.0
MIB = 1 << 20


def status_of(pod: int, generation: int) -> dict[str, Any]:
    """A status as long as a sidecar's; every fiftieth pod has a plugin that fails, with its log."""
    plugins = [plugin(f"plugin-{number:02}", message="1 of 1 workers serve") for number in range(PLUGINS)]
    if pod % 50 == 0:
        plugins[7] = failing("plugin-07") | {"logs": ["a line of its log, of a hundred characters " + "x" * 60] * 10}
    for each in plugins:
        each["conditions"].append(condition("Verified", "Unknown", "NotPinned", "no digest is pinned"))
        each |= {"targetDigest": "a" * 64, "servingDigest": "b" * 64, "id": each["name"], "restarts": pod % 3}
    document = pod_status(f"web-{pod:04}", *plugins, generation=generation, owner=f"p{pod}")
    document["metadata"]["managedFields"] = [{"manager": "pluginmgr-sidecar", "fieldsV1": {"f:status": {}}}]
    return document


def pure() -> list[Row]:
    """What is done with each document after it was parsed, against the parsing; medians over all pods."""
    texts = [[json.dumps(status_of(pod, generation)).encode() for pod in range(PODS)] for generation in (1, 2)]
    reader, tally = Reader(), Tally()
    reports = [reader.read(json.loads(text)) for text in texts[0]]
    for report in reports:
        tally.add(report)
    bare, ours = [], []
    for report, text in zip(reports, texts[1], strict=True):
        began = time.perf_counter()
        document = json.loads(text)
        parsed = time.perf_counter()
        tally.remove(report)
        tally.add(reader.read(document))
        bare.append(parsed - began)
        ours.append(time.perf_counter() - parsed)
    config, summing = ConfigSeen("rules", "c1", 2, "1", {}), []
    for _ in range(50):
        began = time.perf_counter()
        summary(tally, config, "2026-11-24T12:00:00Z")
        summing.append(time.perf_counter() - began)
    return [
        Row("a status counted anew, against parsing it", PODS, median(ours) * 1e6, unit="us", bare=median(bare) * 1e6),
        Row("a summary of 2,000 pods", len(summing), median(summing) * 1e3, limit=5.0),
    ]


def edit() -> list[Row]:
    """The real process against an API server that only answers."""
    with small_api() as api, tempfile.TemporaryDirectory() as place:
        api.put("pluginconfigs", config(1))
        with aggregator(api, Path(place)) as pid:
            until(lambda: len(api.written) == 1)
            empty = memory(pid, "VmRSS")
    with small_api() as api, tempfile.TemporaryDirectory() as place:
        for pod in range(PODS):
            api.put("pods", {"metadata": {"name": f"web-{pod:04}", "uid": f"p{pod}"}})
            api.put("pluginpodstatuses", status_of(pod, 1))
        api.put("pluginconfigs", config(1))
        texts = list(api.objects["pluginpodstatuses"].values())
        with aggregator(api, Path(place)) as pid:
            until(lambda: len(api.written) == 1)
            listed, resident = cpu(pid), memory(pid, "VmRSS")
            bare = parsing(texts)
            edited(api)
            used = cpu(pid) - listed
            rows = [
                Row("listing 2,000 statuses, start included", 1, listed, unit="s", bare=bare),
                Row("2,000 statuses changed, CPU", 1, used, unit="s", bare=bare),
                Row("resident, 2,000 pods known", 1, resident / MIB, unit="MiB", bare=empty / MIB),
                Row("resident at most", 1, memory(pid, "VmHWM") / MIB, unit="MiB"),
            ]
        writes = api.written[1:]
        size = sum(length for length, _ in writes)
        rows += [
            Row(
                f"summaries written for 1 edit, reported in {SECONDS:g} s",
                1,
                len(writes),
                unit="",
                limit=5,
                budget="writes",
            ),
            Row("bytes of them", 1, size / 1024, unit="KiB"),
            Row("bytes of them to 2,000 watches", 1, size * PODS / MIB, unit="MiB", bare=sum(map(len, texts)) / MIB),
        ]
    return rows


def edited(api: SmallApi) -> None:
    """Change the config, let all pods report, and wait for the summary that says so."""
    api.put("pluginconfigs", config(2) | {"status": api.written[-1][1]})
    began = time.monotonic()
    for pod in range(PODS):
        api.put("pluginpodstatuses", status_of(pod, 2))
        time.sleep(max(0.0, began + pod * SECONDS / PODS - time.monotonic()))
    until(lambda: api.written[-1][1]["pods"]["outdated"] == 0)


def config(generation: int) -> dict[str, Any]:
    """The PluginConfig."""
    return {"metadata": {"name": "rules", "uid": "c1", "generation": generation}, "spec": {"kinds": []}}


@contextmanager
def aggregator(api: SmallApi, place: Path) -> Iterator[int]:
    """`pluginmgr aggregate` as a process; its pid."""
    kubeconfig = api.kubeconfig(place / "kubeconfig")
    command = [
        sys.executable,
        "-m",
        "controller",
        "aggregate",
        "--http",
        "127.0.0.1:0",
        "--kubeconfig",
        str(kubeconfig),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (place / "log").open("wb") as log, subprocess.Popen(command, stderr=log, env=environment) as process:
        try:
            yield process.pid
        finally:
            process.terminate()


def parsing(texts: list[bytes]) -> float:
    """Seconds of processor time for the bare parsing."""
    began = time.process_time()
    for text in texts:
        json.loads(text)
    return time.process_time() - began


def until(fits: Any) -> None:
    """Wait until something fits."""
    ends = time.monotonic() + DEADLINE
    while not fits():
        if time.monotonic() > ends:
            raise AssertionError(f"not within {DEADLINE} s")
        time.sleep(0.02)


def cpu(pid: int) -> float:
    """Seconds of processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int, what: str) -> int:
    """Bytes, of a line of /proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def aggregate() -> list[Row]:
    """All of it."""
    return [*pure(), *edit()]


if __name__ == "__main__":
    print(load())
    print(show(aggregate()))
    print(load())
