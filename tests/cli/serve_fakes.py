"""A process that answers on a control socket as a controller does, from a file that the test writes.

A process of its own, since the control socket refuses the descendants of whoever serves it. Each line on stdin is a
record for all followers; each restart is a line on stdout.
"""

import asyncio
import json
import sys
from pathlib import Path

from controller.http import Control, listen_unix, serve
from controller.peers import Peers
from tests.http.fakes import FakeViews


class FileViews(FakeViews):
    def __init__(self, file: Path) -> None:
        self._file = file
        super().__init__()

    def __getattribute__(self, name: str):
        if name in ("document", "records", "past"):
            return json.loads(object.__getattribute__(self, "_file").read_text())[name]
        return super().__getattribute__(name)

    def restart(self, key: str) -> bool:
        print("restart", key, flush=True)
        return super().restart(key)


async def main(state_dir: Path) -> None:
    views = FileViews(state_dir / "fake.json")
    listener = listen_unix(state_dir / "control.sock")
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(Control(views).handle, listener, admit=Peers("PLUGINMGR_WORKER=").refusal))
        print("serving", flush=True)
        while line := await reader.readline():
            await views.following.wait()
            views.said.put_nowait(json.loads(line))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
