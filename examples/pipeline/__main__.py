"""`python -m examples.pipeline --run-dir DIR`: read events, print alerts, until the events end or a signal comes."""

import argparse
import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from controller.manager.host_messages import HostMessage
from controller.pool import ProcessPool
from controller.registry.client import RegistryClient
from examples.pipeline import events
from examples.pipeline.calls import Plugins, stub
from examples.pipeline.catalogue import Catalogue
from examples.pipeline.pipeline import Pipeline

EVENTS = Path(__file__).with_name("events.jsonl")
QUIET_SECONDS = 2.0


def say(line: str) -> None:
    """Tell a person what changes."""
    print(f"-- {line}", file=sys.stderr, flush=True)


def show(line: str) -> None:
    """Deliver an alert."""
    print(line, flush=True)


async def pipeline(args: argparse.Namespace) -> None:
    """Follow the registry, and bring events through what serves."""
    pool: ProcessPool[Any] = ProcessPool()
    catalogue, is_known = Catalogue(say), asyncio.Event()

    def sync(message: HostMessage) -> None:
        pool.sync(message)
        catalogue.sync(message)
        is_known.set()

    client = RegistryClient(args.run_dir, sync, host="pipeline", item=stub)
    async with asyncio.TaskGroup() as group:
        following = group.create_task(client.run(), name="follow the registry")
        if not await is_set(is_known, QUIET_SECONDS):
            say("nothing serves yet: waiting")
        await is_known.wait()  # all that serves comes at once
        queue: asyncio.Queue[events.Event | None] = asyncio.Queue(events.MOST_WAITING)
        reading = group.create_task(events.fill(queue, events.given(args.events, args.pace, say)), name="read events")
        plugins = Plugins(pool, catalogue, say, args.patience)
        await Pipeline(plugins, catalogue, show, say).run(events.batches(queue))
        await pool.close()
        following.cancel()
        reading.cancel()


async def is_set(event: asyncio.Event, seconds: float) -> bool:
    """Whether it is, or comes to be in time."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


async def until_signalled(args: argparse.Namespace) -> None:
    """Run the pipeline; end it, in good order, when a signal comes."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as group:
        working = group.create_task(pipeline(args), name="pipeline")
        waiting = group.create_task(stop.wait(), name="signal")
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        waiting.cancel()


def main() -> int:
    """Run it; 0 when it was ended or the events were."""
    parser = argparse.ArgumentParser(prog="pipeline", description="read events, print alerts")
    parser.add_argument("--run-dir", type=Path, required=True, metavar="DIR", help="of the controller")
    parser.add_argument("--events", type=Path, default=EVENTS, metavar="FILE", help="replayed without standard input")
    parser.add_argument("--pace", type=float, default=5.0, metavar="N", help="events a second (default: %(default)g)")
    parser.add_argument(
        "--patience", type=float, default=10.0, metavar="SECONDS", help="for one call (default: %(default)g)"
    )
    try:
        asyncio.run(until_signalled(parser.parse_args()))
    except* BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads alerts any more: enough
    return 0


if __name__ == "__main__":
    sys.exit(main())
