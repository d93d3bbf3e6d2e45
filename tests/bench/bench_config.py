"""What a config edit costs before the core knows of it: `python tests/bench/bench_config.py`.

Parse (with validation) and resolve of 1, 200 and 2,000 plugins that each set a dozen fields, beside the bare C parser
that only walks the same text's events; and, at 200, the time from the file's rename to ConfigRead.
"""

import asyncio
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from controller.config import CurrentConfig, parse, resolve
from controller.local import ConfigFile

SIZES = (1, 200, 2000)
ROUNDS = 21
BUDGET = 0.06  # seconds from the edit to the process gone, the plugin's own shutdown aside (design: section 11)
HEAD = """apiVersion: pluginmgr.dev/v1alpha1
kind: PluginConfig
metadata: {{name: bench}}
spec:
  kinds:
  - name: rule
    handshake: {{cookieKey: BLINK_PLUGIN, cookieValue: rule_v1, protocolVersions: [1]}}
    defaults: {{workers: {workers}}}
    plugins:
"""
ENTRY = """    - name: plugin-{number:04}
      enabled: true
      required: false
      sha256: [a{number:063x}]
      args: [--verbose, --limit, "10"]
      env: [{{name: MODE, value: fast}}, {{name: HOME_OF_IT, fromEnv: HOME}}]
      config: {{threshold: {number}, fields: {{user: name, source: address}}}}
      health: {{periodSeconds: 15}}
      limits: {{memory: 256Mi}}
"""


def text_of(size: int, workers: int = 1) -> str:
    """A config of so many plugins."""
    return HEAD.format(workers=workers) + "".join(ENTRY.format(number=number) for number in range(size))


def median_of(work: Callable[[], object]) -> float:
    """Seconds."""
    costs = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        costs.append(time.perf_counter() - begun)
    return statistics.median(costs)


def walk(text: str) -> None:
    """The bare parser."""
    for _ in yaml.parse(text, Loader=yaml.CSafeLoader):
        pass


async def edits(size: int) -> list[float]:
    """Seconds from a rename to ConfigRead, under a watching ConfigFile."""
    told: asyncio.Queue[Any] = asyncio.Queue()
    delays = []
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "plugins.yaml"
        path.write_text(text_of(size))
        current = CurrentConfig(
            told.put_nowait, plugin_dir="/p", environ=os.environ, secrets_dirs=(), keep=Path(directory) / "kept.yaml"
        )
        file = ConfigFile(path, current)
        file.start()
        await told.get()
        watching = asyncio.create_task(file.run(), name="config file")
        for number in range(ROUNDS):
            await asyncio.sleep(0.1)  # the pace of edits, not a wait for something
            edited = path.with_name("edited")
            edited.write_text(text_of(size, workers=2 + number))
            begun = time.perf_counter()
            edited.replace(path)
            await told.get()
            delays.append(time.perf_counter() - begun)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    return delays


def main() -> None:
    """Print the table."""
    print(f"{'plugins':>8} {'bare parser':>12} {'parse':>10} {'ratio':>6} {'resolve':>10}")
    for size in SIZES:
        text = text_of(size)
        bare = median_of(lambda text=text: walk(text))
        ours = median_of(lambda text=text: parse(text, source="bench"))
        document = parse(text, source="bench")
        resolved = median_of(
            lambda document=document: resolve(document, plugin_dir="/p", environ=os.environ, secrets_dirs=())
        )
        print(f"{size:>8} {bare * 1e3:>9.2f} ms {ours * 1e3:>7.2f} ms {ours / bare:>6.2f} {resolved * 1e3:>7.2f} ms")
    delays = asyncio.run(edits(200))
    print(
        f"edit of 200 plugins to ConfigRead: median {statistics.median(delays) * 1e3:.1f} ms,"
        f" worst {max(delays) * 1e3:.1f} ms, of {BUDGET * 1e3:.0f} ms to the process gone"
    )


if __name__ == "__main__":
    main()
