"""One program of the control plane as a process: started, killed, started again, and gone with the tests."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from controller.testing.answers import DEADLINE

# No server outlives a killed run of tests: the kernel is asked for SIGKILL when the thread that started it is gone,
# which it may be by then.
DIE_WITH_PARENT = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


class Program:
    """Not running before `start`. Everything it says goes to `log`."""

    def __init__(self, binary: Path, log: Path, *flags: str) -> None:
        self.name = binary.name
        self.command = [sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid()), str(binary), *flags]
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.parent = ThreadPoolExecutor(1, thread_name_prefix=self.name)  # outlives the thread that calls `start`

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it, again with the same flags."""
        if not self.is_running:
            self.process = self.parent.submit(self._start).result(DEADLINE)

    def kill(self) -> None:
        """SIGKILL it and wait for its end."""
        process, self.process = self.process, None  # first: who finds it dead must know that it was killed
        if process:
            process.kill()
            process.wait(DEADLINE)

    def close(self) -> None:
        """Kill it for good."""
        self.kill()
        self.parent.shutdown()

    def check(self) -> None:
        """Raise an AssertionError with the end of the log if it ended by itself."""
        if self.process and not self.is_running:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}\n{self.tail()}")

    def tail(self, lines: int = 30) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
