"""Who is let in at the control socket: real processes, related to this one in every way that matters."""

import asyncio
import ctypes
import os
import socket
import sys
from pathlib import Path

import pytest

from controller.http import Control
from controller.peers import Peers
from tests.http.fakes import FakeViews

PR_SET_CHILD_SUBREAPER = 36
ASK = """
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
s.sendall(b"GET /livez HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
sys.stdout.write(s.recv(4096).decode().split()[1]); sys.stdout.flush()
"""
KNOCK = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
# Runs ASK as an orphan: the one in between is gone before it asks.
ORPHAN = """
import os, subprocess, sys
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.read(read, 1)
        os.execve(sys.executable, [sys.executable, "-c", sys.argv[2], sys.argv[1]], {})
    os._exit(0)
os.wait()
os.write(write, b"x")
"""


@pytest.fixture
async def path(control) -> Path:
    return await control(Control(FakeViews()).handle, Peers("PLUGINMGR_WORKER=here/").refusal)


async def output_of(*argv: object, **env: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *map(str, argv), env=env, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return out.decode()


async def test_the_controllers_own_process_is_let_in(path, connect):
    wire = await connect(path)
    wire.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await wire.answer())[0] == 200


async def test_a_child_is_refused(path):
    assert await output_of("-c", ASK, path) == "403"


async def test_an_orphan_that_left_its_session_and_cleared_its_environment_is_refused(path):
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        assert await output_of("-c", ORPHAN, path, ASK) == "403"
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0)
        os.waitpid(-1, 0)


async def test_an_unrelated_process_is_let_in_unless_it_carries_the_tag(path):
    """Without a subreaper the orphan is handed to init: nothing but the tag tells whose it was."""
    orphan = ORPHAN.replace(", {})", ", {'PLUGINMGR_WORKER': 'elsewhere/w1'})")
    assert await output_of("-c", orphan, path, ASK) == "200"
    assert await output_of("-c", orphan.replace("elsewhere", "here"), path, ASK) == "403"


@pytest.mark.parametrize("is_reaped", [True, False])
def test_a_peer_that_is_gone_is_refused(short_dir, is_reaped):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(short_dir / "s"))
        listener.listen()
        child = os.posix_spawn(sys.executable, [sys.executable, "-c", KNOCK, str(short_dir / "s")], {})
        os.waitid(os.P_PID, child, os.WEXITED | (0 if is_reaped else os.WNOWAIT))
        with listener.accept()[0] as connection:
            refusal = Peers("PLUGINMGR_WORKER=").refusal(connection)
        if not is_reaped:
            os.waitpid(child, 0)
    assert refusal == ("refused: cannot see who calls" if is_reaped else "refused: the calling process is gone")


async def test_a_refused_peer_is_told_why_and_nothing_else(control, connect):
    views = FakeViews()
    path = await control(Control(views).handle, lambda _: "refused: it is Monday")
    wire = await connect(path)
    wire.write("POST /restart/rule/good HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await wire.answer())[::2] == (403, b"refused: it is Monday\n")
    wire.writer.write_eof()
    assert await wire.is_closed()
    assert not views.restarted
