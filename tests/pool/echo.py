"""The zoo's echo plugin, spawned by hand, with a bare channel to its socket."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import grpc.aio
from google.protobuf.wrappers_pb2 import StringValue


class Echo:
    """`call` is one plain call; bytes in, bytes out."""

    def __init__(self, pid: int, address: str) -> None:
        self.pid = pid
        self.channel = grpc.aio.insecure_channel(f"unix:{address}")
        self.call: Any = self.channel.unary_unary("/zoo.Echo/Call")

    async def slow(self, milliseconds: int) -> bytes:
        request = StringValue(value="x").SerializeToString()
        return await self.call(request, metadata=(("delay-ms", str(milliseconds)),))


@asynccontextmanager
async def started(program: Path, directory: Path) -> AsyncIterator[Echo]:
    """Start it, and kill it in the end."""
    environment = {"ZOO_PLUGIN": "please", "PLUGIN_UNIX_SOCKET_DIR": str(directory), "PATH": os.environ["PATH"]}
    with subprocess.Popen([program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            line = await asyncio.to_thread(process.stdout.readline)
            echo = Echo(process.pid, line.decode().split("|")[3])
            yield echo
            await echo.channel.close()
        finally:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
