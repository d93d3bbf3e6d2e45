"""One launch of one binary, from the checks before it to the last descendant's end, timed. Prints nothing."""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from controller.errors import PluginmgrError
from controller.goplugin import (
    Command,
    Failure,
    Handshake,
    HealthError,
    LaunchError,
    Record,
    Session,
    become_subreaper,
    launch,
)

TAG = "PLUGINMGR_WORKER=check"
CALL_SECONDS = 5.0
SHUTDOWN_SECONDS, KILL_SECONDS = 2.0, 1.0
LINES = 20
LONGEST_PLACE = 40  # bytes: the path of a socket in it has at most 107, and plugins append long names
NO_COOKIE = ("PLUGINMGR_NO_COOKIE", "")  # the protocol has no plugin without one, but some do not look at it


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asked for."""

    binary: Path
    cookie: tuple[str, str] | None
    protocol_versions: tuple[int, ...]
    env: Mapping[str, str]
    start_timeout: float


@dataclass(slots=True)
class Report:
    """What was found; the fields are those of `-o json`. `milliseconds` has what was reached, in order."""

    binary: str
    fit: bool = False
    reason: str = ""
    message: str = ""
    warnings: list[str] = field(default_factory=list)
    protocol_version: int | None = None
    address: str = ""
    services: list[str] | None = None
    exit: str = ""
    milliseconds: dict[str, float] = field(default_factory=dict)
    output: list[str] = field(default_factory=list)


async def check(wanted: Wanted) -> Report:
    """Launch, look, stop. Whatever happens, interrupts too, nothing of the plugin is left."""
    report = Report(binary=os.fspath(wanted.binary))
    if not wanted.binary.exists():
        raise PluginmgrError(f"cannot check {wanted.binary}: no such file")
    become_subreaper()
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    place = tempfile.gettempdir() if len(tempfile.gettempdir()) <= LONGEST_PLACE else "/tmp"  # noqa: S108 - made 0700
    with tempfile.TemporaryDirectory(prefix="pm-", dir=place, ignore_cleanup_errors=True) as scratch:
        try:
            await _launch(wanted, Path(scratch), report)
        except LaunchError as error:
            report.reason, report.message = str(error.failure), error.message
            report.exit = str(error.exit or "")
            if error.failure is Failure.WRONG_COOKIE and wanted.cookie is None:
                report.message = (
                    "it wants a magic cookie: name it with --cookie KEY=VALUE (its HandshakeConfig has both)"
                )
    return report


async def _launch(wanted: Wanted, scratch: Path, report: Report) -> None:
    def emit(record: Record) -> None:
        report.output.append(record.message)
        del report.output[:-LINES]

    (scratch / "s").mkdir()
    command = Command(
        program=os.fspath(wanted.binary.absolute()),
        env={"PATH": os.environ.get("PATH", os.defpath), **wanted.env},
        cwd=os.fspath(scratch),
        socket_dir=os.fspath(scratch / "s"),
    )
    handshake = Handshake(*(wanted.cookie or NO_COOKIE), wanted.protocol_versions)
    tag = f"{TAG}/{os.getpid()}"
    async with launch(command, handshake, start_timeout=wanted.start_timeout, emit=emit, tag=tag) as session:
        await _look(session, report)


async def _look(session: Session, report: Report) -> None:
    report.protocol_version = session.protocol_version
    report.address = f"{session.network}:{session.address}"
    timings = session.timings
    _time(report, spawn=timings.spawn, handshake=timings.handshake, health=timings.health)
    if not session.has_health:
        report.warnings.append("no health service: a hang of it will not be noticed")
    began = time.monotonic()
    try:
        services = await session.services(CALL_SECONDS)
        report.services = None if services is None else sorted(services)
    except HealthError as error:
        report.warnings.append(str(error))
    asked = time.monotonic()
    how = await session.stop(SHUTDOWN_SECONDS, KILL_SECONDS)
    _time(report, services=asked - began, stop=time.monotonic() - asked)
    report.exit = str(how)
    report.fit = True
    if "kill" in session.phases:
        report.warnings.append(f"ignored Shutdown and SIGTERM for {SHUTDOWN_SECONDS + KILL_SECONDS:g} s, was killed")
    elif "terminate" in session.phases:
        report.warnings.append("did not end by the Shutdown call, only by SIGTERM")


def _time(report: Report, **seconds: float) -> None:
    report.milliseconds |= {phase: round(value * 1000, 1) for phase, value in seconds.items()}
