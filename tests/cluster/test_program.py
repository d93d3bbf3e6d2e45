"""A server that tests start is gone when they are, however they end."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from controller.testing.answers import DEADLINE
from controller.testing.processes import is_alive, until_gone
from tests.cluster.program import Program
from tests.tools.build import ROOT

KILLED = """
import os, sys
from pathlib import Path
from tests.cluster.test_program import running
program = running(Path(sys.argv[1]))
print(program.process.pid, flush=True)
os.kill(os.getpid(), 9)
"""
SLEEP = Path("/bin/sleep")


def running(log: Path) -> Program:
    """A program that is itself by now, and no longer what starts it."""
    program = Program(SLEEP, log, "60")
    program.start()
    assert program.process is not None
    command = Path(f"/proc/{program.process.pid}/cmdline")
    ends = time.monotonic() + DEADLINE
    while not command.read_bytes().startswith(bytes(SLEEP)):
        assert time.monotonic() < ends
        time.sleep(0.01)
    return program


def test_it_dies_with_a_test_run_that_is_killed(tmp_path: Path):
    command = [sys.executable, "-c", KILLED, str(tmp_path / "log")]
    done = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    until_gone(int(done.stdout))


def test_it_outlives_the_thread_that_started_it(tmp_path: Path):
    made: list[Program] = []
    thread = threading.Thread(target=lambda: made.append(running(tmp_path / "log")))
    thread.start()
    thread.join()
    until_gone(thread.native_id or 0)  # also for the kernel, which is what the signal would come from
    (program,) = made
    assert program.process is not None
    with pytest.raises(subprocess.TimeoutExpired):
        program.process.wait(0.2)
    pid = program.process.pid
    program.close()
    assert not is_alive(pid)
