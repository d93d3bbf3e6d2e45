"""A host under load with the Python client: what `callhost` is with the Go one, with its options and its lines.

    pyhost.py --run-dir DIR --host NAME --key KIND/NAME --method /service/Method [--payload-hex HEX] [--callers 32]
        [--idempotent] [--timeout 10s] [--pause 0s]

One line is its own, `wrong`: what must never be, seen from inside. A call that begins or runs on a worker for which
Drained was said, an answer that is not the request, a worker that came back.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
from tally import Statistics

from controller.manager.host_messages import HostMessage, RegisterMessage, UpdateMessage
from controller.pool import PoolError, ProcessPool
from controller.registry.client import RegistryClient

REMEMBERED = 2000  # workers that were answered for: enough to catch a late call, bounded so that memory is flat


class Load:
    """The callers and what they saw."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.statistics = Statistics()
        self.payload = bytes.fromhex(options.payload_hex)
        self.pool: ProcessPool[Any] = ProcessPool()
        self.answered: dict[str, None] = {}
        self.running: Counter[str] = Counter()

    def sync(self, message: HostMessage) -> None:
        """Hand a message to the pool, and note what it answers."""
        if isinstance(message, RegisterMessage | UpdateMessage):
            for worker in (each.worker for each in message.workers if each.worker in self.answered):
                wrong(f"{worker} came back after Drained")
        if isinstance(message, RegisterMessage):
            self.pool.sync(message)
            return
        answer = message.on_drained

        def drained(worker: Any) -> None:
            if self.running[worker]:
                wrong(f"{worker} was answered for with {self.running[worker]} calls on it")
            self.answered[worker] = None
            if len(self.answered) > REMEMBERED:
                del self.answered[next(iter(self.answered))]
            answer(worker)

        self.pool.sync(replace(message, on_drained=drained))

    async def caller(self) -> None:
        while True:
            await self.once()
            if self.options.pause:
                await asyncio.sleep(self.options.pause)

    async def once(self) -> None:
        began, clock = time.time(), time.perf_counter()
        tried = [""]
        try:
            await self.pool.call(
                self.options.key,
                lambda worker: self.one(worker, tried),
                timeout=self.options.timeout,
                idempotent=self.options.idempotent,
            )
        except (grpc.aio.AioRpcError, PoolError, TimeoutError) as error:
            self.statistics.called(tried[-1], began, time.perf_counter() - clock, short(error))
            await asyncio.sleep(0)  # an error may come without any wait
        else:
            self.statistics.called(tried[-1], began, time.perf_counter() - clock, "")

    async def one(self, worker: Any, tried: list[str]) -> None:
        name, sent, error = str(worker.worker), time.time(), "cut off"
        if name in self.answered:
            wrong(f"{name} was called after Drained")
        tried.append(name)
        self.running[name] += 1
        try:
            answer = await worker.item(self.payload, timeout=self.options.timeout)
            error = ""
        except grpc.aio.AioRpcError as problem:
            error = short(problem)
            raise
        finally:
            self.running[name] -= 1
            if not self.running[name]:
                del self.running[name]
            self.statistics.tried(name, sent, error)
        if answer != self.payload:
            wrong(f"{name} answered {answer!r}")


def short(error: BaseException) -> str:
    """One line of an error."""
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"[:200]
    return f"{type(error).__name__}: {error}"[:200]


def wrong(text: str) -> None:
    say({"event": "wrong", "text": text})


def say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


async def main(options: argparse.Namespace) -> None:
    load = Load(options)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    def item(_worker: Any, channel: grpc.aio.Channel) -> Any:
        return channel.unary_unary(options.method)

    client = RegistryClient(options.run_dir, load.sync, host=options.host, item=item)
    async with asyncio.TaskGroup() as group:
        works = [group.create_task(client.run())]
        await load.pool.wait_for(options.key)
        load.statistics = Statistics()
        say({"event": "ready", "time": time.time()})
        works += [group.create_task(load.caller()) for _ in range(options.callers)]
        works.append(group.create_task(obey(load, stop)))
        works.append(group.create_task(tell(load)))
        await stop.wait()
        final = load.statistics.final()
        for task in works:
            task.cancel()
    say(final)


async def obey(load: Load, stop: asyncio.Event) -> None:
    """Read commands until standard input ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        match line.decode().split():
            case ["mark", name]:
                say(load.statistics.mark(name))
            case ["quit"]:
                stop.set()


async def tell(load: Load) -> None:
    while True:
        await asyncio.sleep(1)
        say(load.statistics.second())


def seconds(text: str) -> float:
    """Read a duration as Go writes it, such as 1.5s or 20ms."""
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text.removesuffix("s"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--host", default="pyhost")
    parser.add_argument("--key", required=True)
    parser.add_argument("--method", required=True)
    parser.add_argument("--payload-hex", default="")
    parser.add_argument("--callers", type=int, default=32)
    parser.add_argument("--timeout", type=seconds, default=10.0)
    parser.add_argument("--pause", type=seconds, default=0.0)
    parser.add_argument("--idempotent", action="store_true")
    asyncio.run(main(parser.parse_args()))
