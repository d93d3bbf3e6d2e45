"""From a command to a healthy plugin, in a straight line, and back to nothing: `async with launch(...) as session`.

Owns the process from the moment it exists: there is no await between the spawn and the `try` that ends it.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from controller.goplugin import chain, diagnosis, ports, preflight, stdio, transport
from controller.goplugin.chain import Command
from controller.goplugin.closing import Closing
from controller.goplugin.connect import Connector
from controller.goplugin.failures import LaunchError
from controller.goplugin.family import PAUSE, Family, Roundup
from controller.goplugin.firstline import FirstLine
from controller.goplugin.handshake import Answer, Handshake, HandshakeError, environment, parse
from controller.goplugin.logs import Emit, LineFlow, Sink, Stream
from controller.goplugin.patience import Patience
from controller.goplugin.process import Process
from controller.goplugin.session import Session, Timings
from controller.goplugin.spawn import spawn

_UNKILLABLE = 5.0  # seconds after SIGKILL; then the process is stuck in the kernel


@asynccontextmanager
async def launch(
    command: Command,
    handshake: Handshake,
    *,
    start_timeout: float,
    emit: Emit,
    tag: str,
    on_spawn: Callable[[int], None] | None = None,
    rate: int = 200,
) -> AsyncIterator[Session]:
    """Bring a plugin up; the block gets it connected and SERVING, and leaves nothing of it behind.

    Args:
        command: what to run. Its `socket_dir` must exist, and stays.
        handshake: cookie and protocol versions.
        start_timeout: seconds for all of it, spawn to SERVING.
        emit: takes each record that the plugin prints, on the loop; must not raise.
        tag: `NAME=value` for the plugin's environment, unique to this process; its descendants are found by it.
        on_spawn: takes the process id as soon as there is one.
        rate: records a second; more are dropped and counted. 0: no limit.

    Raises:
        LaunchError: it could not be brought up; by then the process is gone.
    """
    name, _, value = tag.partition("=")
    environ = environment(handshake, {**command.env, name: value}, command.socket_dir)
    preflight.check(command.program, environ, command.socket_dir)
    began = time.monotonic()
    attempt = _Attempt(command, handshake, environ, Sink(emit, rate), tag)
    try:
        attempt.limit()
        if on_spawn is not None:
            on_spawn(attempt.process.pid)
        yield await attempt.bring_up(began, start_timeout)
    finally:
        await attempt.end()


class _Attempt:
    """One launch: what was seen of it, and what must be given back."""

    def __init__(self, command: Command, handshake: Handshake, environ: dict[str, str], sink: Sink, tag: str) -> None:
        self._command = command
        self._handshake = handshake
        self._sink = sink
        self._line = FirstLine(LineFlow(sink, Stream.STDOUT))
        self._connector: Connector | None = None
        self._stdio: asyncio.Task[None] | None = None
        self._session: Session | None = None
        start = partial(spawn, chain.build(command), environ, command.cwd)
        try:
            self.process = Process(start, self._line, LineFlow(sink, Stream.STDERR))
        except (OSError, ValueError) as error:
            raise diagnosis.not_spawned(command.program, command.cwd, error) from error
        self._family = Family(tag, self.process.pid)

    def limit(self) -> None:
        """Set the process's limits; raises LaunchError."""
        try:
            chain.limit(self.process.pid, self._command.limits)
        except OSError as error:
            raise diagnosis.not_limited(self._command.program, error) from error

    async def bring_up(self, began: float, limit: float) -> Session:
        """Return the session; raises LaunchError."""
        spawned = time.monotonic()
        try:
            async with Patience(limit - (spawned - began), self.process.exit):
                answer = self._read(await asyncio.shield(self._line.done))
                shaken = time.monotonic()
                connector = self._connector = Connector(answer)
                await connector.connect(self._follow_stdio)
        except TimeoutError:
            raise self._late(limit) from None
        transport.share_socket(answer)  # both once more, for plugins that print before they listen
        self._check_port(answer)
        if not connector.health.is_offered:
            self._sink.remark("warn", "no health service: checks only prove that the plugin answers")
        timings = Timings(spawned - began, shaken - spawned, time.monotonic() - shaken)
        self._session = Session(self.process, answer, connector.channel, connector.health, self._sink, timings)
        return self._session

    async def end(self) -> None:
        """Leave nothing; a cancellation that arrives meanwhile waits for it."""
        closing = Closing()
        if self._stdio is not None:
            self._stdio.cancel()
        self.process.signal_group(signal.SIGKILL)
        if not await closing.wait(self.process.exit, _UNKILLABLE):
            self.process.abandon()
            self._sink.remark("error", f"process {self.process.pid} does not end by SIGKILL; given up")
        await self._round_up(closing)
        if self._stdio is not None:
            await closing.wait(self._stdio, _UNKILLABLE)
        if self._connector is not None:
            await closing.run(self._connector.close())
        self._sink.note_dropped()
        closing.finish()

    def _read(self, line: str | None) -> Answer:
        if line is None:
            raise diagnosis.endless_line(self._seen())
        try:
            answer = parse(line, self._handshake)
        except HandshakeError as error:
            raise diagnosis.unusable_line(self._seen(), error) from error
        answer = transport.resolve(answer, self._command.cwd)
        transport.share_socket(answer)
        self._check_port(answer)
        return answer

    def _check_port(self, answer: Answer) -> None:
        if answer.network == "tcp" and ports.is_shared(answer.address, self.process.pid):
            raise diagnosis.port_shared(self._seen(), answer.address)

    def _follow_stdio(self, channel: transport.Channel) -> None:
        self._stdio = asyncio.create_task(stdio.follow(channel, self._sink), name=f"stdio of {self.process.pid}")
        self._stdio.add_done_callback(self._end_stdio)

    def _end_stdio(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._sink.remark("error", f"what it prints is not read any more: {error!r}")

    def _late(self, limit: float) -> LaunchError:
        if self.process.exit.done():
            return self._ended()
        if self._connector is None:
            return diagnosis.silent(self._seen(), limit)
        if self._connector.is_refused:
            return diagnosis.refused(self._seen(), limit)
        if self._connector.has_answered:
            return diagnosis.not_serving(self._seen(), limit)
        return diagnosis.unanswered(self._seen(), limit)

    def _ended(self) -> LaunchError:
        if self._connector is not None:
            return diagnosis.died_connecting(self._seen())
        if not self._line.done.done():
            return diagnosis.exited(self._seen())
        try:
            self._read(self._line.done.result())
        except LaunchError as error:
            return error
        return diagnosis.died_connecting(self._seen())

    def _seen(self) -> diagnosis.Evidence:
        exit_ = self.process.exit
        return diagnosis.Evidence(
            program=self._command.program,
            handshake=self._handshake,
            tail=self._sink.tail,
            printed=self._line.partial,
            exit=exit_.result() if exit_.done() else None,
            answered=str(self._connector) if self._connector else "",
            problem=self._connector.problem if self._connector else "",
        )

    async def _round_up(self, closing: Closing) -> None:
        family = self._family
        if self._session is not None:
            family = Family(family.tag, family.session, self._session.seen)
        roundup = Roundup(family)
        while roundup.step():
            await closing.run(asyncio.sleep(PAUSE))
        if roundup.killed:
            self._sink.remark("warn", f"killed {len(roundup.killed)} processes that it left behind")
