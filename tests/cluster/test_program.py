"""A server that tests start is gone when they are, however they end."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

from controller.testing.processes import is_alive, until_gone
from tests.cluster.program import Program
from tests.tools.build import ROOT

KILLED = """
import os, sys
from pathlib import Path
from tests.cluster.program import Program
program = Program(Path(sys.argv[1]), Path(sys.argv[2]), "60")
program.start()
print(program.process.pid, flush=True)
os.kill(os.getpid(), 9)
"""
SLEEP = Path("/bin/sleep")


def test_it_dies_with_a_test_run_that_is_killed(tmp_path: Path):
    command = [sys.executable, "-c", KILLED, str(SLEEP), str(tmp_path / "log")]
    done = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    until_gone(int(done.stdout))


def test_it_outlives_the_thread_that_started_it(tmp_path: Path):
    program = Program(SLEEP, tmp_path / "log", "60")
    thread = threading.Thread(target=program.start)
    thread.start()
    thread.join()
    assert program.process is not None
    pid = program.process.pid
    program.check()
    assert is_alive(pid)
    program.close()
    assert not is_alive(pid)
