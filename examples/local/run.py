"""Starts the controller and the pipeline, and ends both: what `make run` runs, in the foreground of one terminal.

The pipeline has the terminal, the controller writes to a file: in a pod they would be two containers.
"""

import argparse
import signal
import subprocess
import sys
import time
from pathlib import Path

BUILD = Path("build")
LOG = BUILD / "controller.log"
READY_SECONDS = 20.0
END_SECONDS = 35.0  # the controller's own grace is 30


class Ended(Exception):  # noqa: N818 - no error: somebody pressed Ctrl-C
    """A signal came."""


def raise_ended(_number: int, _frame: object) -> None:
    """Handle a signal, once: what comes later must not break the clean-up."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Ended


def start_controller(run_dir: str, http: str) -> "subprocess.Popen[bytes]":
    """Start it out of Ctrl-C's reach, since it's to end last; if this program is killed, it ends too."""
    command = ["setpriv", "--pdeathsig", "TERM", "pluginmgr", "run", "--log-format", "text"]
    command += ["--plugin-dir", BUILD / "plugins", "--config", BUILD / "pluginconfig.yaml"]
    command += ["--state-dir", BUILD / "state", "--run-dir", run_dir, "--http", http]
    with LOG.open("wb") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0)


def wait_until_ready(controller: "subprocess.Popen[bytes]") -> None:
    """Return when all plugins serve, so that no event is missed; or when that takes too long, which isn't fatal."""
    status = ["pluginmgr", "status", "--state-dir", BUILD / "state"]
    until = time.monotonic() + READY_SECONDS
    while subprocess.run(status, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode:
        if controller.poll() is not None:
            return
        if time.monotonic() > until:
            print("-- not all plugins are ready; `pluginmgr status --state-dir build/state` says why", file=sys.stderr)
            return
        time.sleep(0.1)


def run(run_dir: str, http: str) -> int:
    """Run until the events end, one of the two ends, or a signal comes; 0 unless something failed."""
    running = [controller := start_controller(run_dir, http)]
    try:
        wait_until_ready(controller)
        if controller.poll() is None:
            pipeline = subprocess.Popen([sys.executable, "-m", "examples.pipeline", "--run-dir", run_dir])
            running.append(pipeline)
            while pipeline.poll() is None and controller.poll() is None:
                time.sleep(0.1)
    except Ended:
        pass
    return max([end(process) for process in reversed(running)])


def end(process: "subprocess.Popen[bytes]") -> int:
    """End it in good order, and wait for that."""
    process.terminate()
    try:
        return abs(process.wait(END_SECONDS))
    except subprocess.TimeoutExpired:
        process.kill()
        return abs(process.wait())


def main() -> int:
    """Run both."""
    parser = argparse.ArgumentParser(description="start the controller and the pipeline")
    parser.add_argument("--run-dir", required=True)
    parser.add_argument("--http", required=True)
    args = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, raise_ended)
    code = run(args.run_dir, args.http)
    if code:
        print(f"-- it ended with {code}; the controller's log, {LOG}, ends with:", file=sys.stderr)
        print("\n".join(LOG.read_text(errors="replace").splitlines()[-5:]), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
