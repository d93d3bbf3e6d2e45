"""What `pluginmgr watch` does: a host that calls nothing, and says what it hears."""

import asyncio
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

from controller.cli.registry_link import following
from controller.cli.terminal import printable
from controller.cli.times import clock
from controller.manager.host_messages import HostMessage, RegisterMessage, UpdateMessage

FIRST_SECONDS = 5.0  # for the first answer
DIGITS = 12  # of a digest, for people


async def watch(run_dir: Path, output: str) -> None:
    """Print each message until cancelled. A controller that goes away is said to be away, and waited for."""
    logging.getLogger("controller").addHandler(logging.NullHandler())  # `said` tells the same

    def heard(message: HostMessage) -> None:
        shape = shape_of(message, time.time())
        print(json.dumps(shape, ensure_ascii=False) if output == "json" else line_of(shape), flush=True)
        if not isinstance(message, RegisterMessage):
            for worker in message.draining:
                message.on_drained(worker)

    def said(trouble: str) -> None:
        text = f"no controller answers: {trouble}" if trouble else "connected again"
        print(f"{clock(time.time())}  pluginmgr: {printable(text)}", file=sys.stderr, flush=True)

    async with following(run_dir, heard, command="watch", seconds=FIRST_SECONDS, on_link=said):
        await asyncio.get_running_loop().create_future()


def shape_of(message: HostMessage, at: float) -> dict[str, Any]:
    """The message as `-o json` shows it; `at` is wall time."""
    shape: dict[str, Any] = {
        "time": clock(at).replace(" ", "T"),
        "message": type(message).__name__.removesuffix("Message"),
        "plugin": message.plugin,
        "draining": [] if isinstance(message, RegisterMessage) else list(message.draining),
    }
    if isinstance(message, RegisterMessage | UpdateMessage):
        version = message.version
        shape["version"] = {"digest": version.digest, "launch": version.launch, "restart": version.restart}
        shape["maxProcs"] = message.max_procs
        shape["workers"] = [
            {"worker": each.worker, "pid": each.pid, "network": each.network, "address": each.address}
            | {"adapter": each.adapter, "concurrency": each.concurrency, "id": each.reported.id}
            for each in message.workers
        ]
    return shape


def line_of(shape: dict[str, Any]) -> str:
    """`2026-11-24 12:00:00.000+01:00  rule/x  Update  9f86d081884c  2/2: w3 w4  draining w1`."""
    words = [shape["time"].replace("T", " "), shape["plugin"], shape["message"]]
    if "version" in shape:
        ids = " ".join(each["worker"] for each in shape["workers"])
        words += [shape["version"]["digest"][:DIGITS], f"{len(shape['workers'])}/{shape['maxProcs']}: {ids}"]
    if shape["draining"]:
        words.append("draining " + " ".join(shape["draining"]))
    return printable("  ".join(words))
