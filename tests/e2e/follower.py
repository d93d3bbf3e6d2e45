"""A host as a process of its own: follows a run dir, and does what it is told to, one JSON object a line.

`{"call": KEY, "delay": MILLISECONDS}` on standard input is answered by `{"began": number}`, once the call has a worker,
and by `{"did": number, "worker": ...}` or `{"did": number, "error": ...}`. Each message of the registry is a line
`{"what": its type, ...}`.
"""

import asyncio
import json
import sys
from typing import Any

from google.protobuf.wrappers_pb2 import StringValue

from controller.manager.host_messages import HostMessage
from controller.pool import ProcessPool
from controller.registry.client import RegistryClient


def say(**line: Any) -> None:
    """One line, at once."""
    print(json.dumps(line), flush=True)


async def call(pool: ProcessPool[Any], number: int, key: str, delay: int) -> None:
    """One call to the zoo's echo."""

    async def echo(handle: Any) -> str:
        method = handle.item.unary_unary(
            "/zoo.Echo/Call",
            request_serializer=StringValue.SerializeToString,
            response_deserializer=StringValue.FromString,
        )
        answer = method(StringValue(value="hello"), timeout=60, metadata=[("delay-ms", str(delay))])
        say(began=number)
        await answer
        return str(handle.worker)

    try:
        say(did=number, worker=await pool.call(key, echo, timeout=60))
    except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to see it
        say(did=number, error=f"{type(error).__name__}: {error}")


async def main(run_dir: str, host: str) -> None:
    """Follow until standard input ends."""
    pool: ProcessPool[Any] = ProcessPool()

    def notify(message: HostMessage) -> None:
        workers = [each.worker for each in getattr(message, "workers", ())]
        draining = list(getattr(message, "draining", ()))
        pool.sync(message)
        say(what=type(message).__name__, plugin=message.plugin, workers=workers, draining=draining)

    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with asyncio.TaskGroup() as group:
        following = group.create_task(RegistryClient(run_dir, notify, host=host).run())
        number = 0
        while line := await lines.readline():
            wish = json.loads(line)
            group.create_task(call(pool, number, wish["call"], wish.get("delay", 0)))
            number += 1
        following.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
