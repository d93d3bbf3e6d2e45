"""Every way in which a started plugin fails to come up, told apart: one word, and one line with what to do.

Pure: the evidence comes in as values. What can be seen before the start is told by `preflight`.
"""

import errno
from dataclasses import dataclass
from pathlib import Path

from controller.goplugin import chain
from controller.goplugin.failures import Failure, LaunchError, ProcessExit
from controller.goplugin.handshake import LINE_LIMIT, Handshake, HandshakeError

_QUOTED = 200
_COOKIE_PROSE = "This binary is a plugin"  # go-plugin's words; it then exits with 1, stdout untouched
_PORT_TAKEN = ("address already in use", "eaddrinuse", "failed to bind", "only one usage of each socket address")
_TELLING = ("panic: ", "fatal error: ")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen of a plugin up to now."""

    program: str
    handshake: Handshake
    tail: tuple[str, ...] = ()  # of stderr
    printed: bytes = b""  # on stdout, after the last line end
    exit: ProcessExit | None = None
    answered: str = ""  # the address that it named
    problem: str = ""  # the last thing that went wrong on the way to a healthy connection


def exited(seen: Evidence) -> LaunchError:
    """Tell why a plugin ended before its handshake line; an exit code of 0 does not make it better."""
    refusal = chain.find_refusal(seen.exit.code if seen.exit else None, seen.tail)
    if refusal is not None:
        return _error(seen, Failure.SPAWN_FAILED, f"was not started: {refusal}")
    everything = "\n".join(seen.tail)
    if any(line.startswith(f"{seen.program}: ") and _read_by_shell(line) for line in seen.tail):
        what = "cannot run on this machine: the kernel does not know its format"
        return _error(seen, Failure.WRONG_ARCHITECTURE, what, "rebuild it for this machine")
    if _COOKIE_PROSE in everything and seen.exit == ProcessExit(code=1):
        return _error(
            seen,
            Failure.WRONG_COOKIE,
            f"refused the magic cookie: {seen.handshake.cookie_key} is not the key, or "
            f"{seen.handshake.cookie_value!r} not the value that it wants; give it those of its "
            "authors' host",
        )
    if _is_port_taken(everything):
        return _port_taken(seen)
    return _error(
        seen,
        Failure.EXITED_BEFORE_HANDSHAKE,
        f"ended with {seen.exit} before its handshake line{_words(seen.tail)}",
        "run it by hand with its cookie set to see why" if not seen.tail else "",
    )


def unusable_line(seen: Evidence, error: HandshakeError) -> LaunchError:
    """Tell what is wrong with its handshake line."""
    if error.failure is Failure.NOT_A_PLUGIN and _is_port_taken("\n".join(seen.tail)):
        return _port_taken(seen)
    ended = f" (it ended with {seen.exit})" if seen.exit else ""
    advice = (
        "a plugin must print its handshake before anything else; log to stderr"
        if error.failure is Failure.NOT_A_PLUGIN
        else ""
    )
    return _error(seen, error.failure, f"cannot be used: {error.message}{ended}{_words(seen.tail)}", advice)


def endless_line(seen: Evidence) -> LaunchError:
    """Tell that its first line has no end."""
    start = seen.printed[:40].decode(errors="replace")
    return _error(
        seen,
        Failure.HANDSHAKE_TOO_LONG,
        f"printed more than {LINE_LIMIT // 1024} KiB without a line end where its handshake should be: {start!r}...",
        "it is no plugin, or it logs to stdout",
    )


def silent(seen: Evidence, timeout: float) -> LaunchError:
    """Tell that no handshake line came in time."""
    if _is_port_taken("\n".join(seen.tail)):
        return _port_taken(seen)
    printed = f", only {_quote(seen.printed)} without a line end" if seen.printed else ""
    return _error(
        seen,
        Failure.HANDSHAKE_TIMEOUT,
        f"printed no handshake line within {timeout:g} s{printed}{_words(seen.tail)}",
        "it is no go-plugin server, or needs a longer start timeout",
    )


def died_connecting(seen: Evidence) -> LaunchError:
    """Tell that it printed its line and ended before it answered."""
    if _is_port_taken("\n".join(seen.tail)):
        return _port_taken(seen)
    return _error(
        seen,
        Failure.CONNECT_FAILED,
        f"ended with {seen.exit} after its handshake line, before it answered at {seen.answered}{_words(seen.tail)}",
    )


def refused(seen: Evidence, timeout: float) -> LaunchError:
    """Tell that nothing took a connection at the address that it named."""
    if _is_port_taken("\n".join(seen.tail)):
        return _port_taken(seen)
    return _error(
        seen,
        Failure.CONNECT_FAILED,
        f"named {seen.answered} and takes no connection there for {timeout:g} s: {seen.problem}{_words(seen.tail)}",
        "it must listen where it says, in the same network and file system",
    )


def unanswered(seen: Evidence, timeout: float) -> LaunchError:
    """Tell that it takes connections and answers no health check."""
    return _error(
        seen,
        Failure.HEALTH_TIMEOUT,
        f"takes connections at {seen.answered} and answers no health check within {timeout:g} s"
        f"{': ' if seen.problem else ''}{seen.problem}{_words(seen.tail)}",
        "it hangs, or is no gRPC server",
    )


def not_serving(seen: Evidence, timeout: float) -> LaunchError:
    """Tell that its health service says something else than SERVING."""
    return _error(
        seen,
        Failure.NOT_SERVING,
        f"is not healthy after {timeout:g} s: {seen.problem}{_words(seen.tail)}",
        "it waits for something, see its log, or needs a longer start timeout",
    )


def not_spawned(program: str, cwd: str, error: OSError | ValueError) -> LaunchError:
    """Tell that no process could be made."""
    what = f"cannot start {Path(program).name}: no process could be made"
    if not isinstance(error, OSError):
        return LaunchError(Failure.SPAWN_FAILED, f"{what}: {error}")
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.EACCES}:
        return LaunchError(Failure.SPAWN_FAILED, f"{what}: {error.strerror}: its working directory {cwd}")
    return LaunchError(
        Failure.SPAWN_FAILED, f"{what}: {error.strerror}; look at the limits on processes, memory and open files"
    )


def not_limited(program: str, error: OSError) -> LaunchError:
    """Tell that the kernel refused the limits."""
    return LaunchError(Failure.SPAWN_FAILED, f"cannot limit {Path(program).name}: {error.strerror}; look at its limits")


def _port_taken(seen: Evidence) -> LaunchError:
    return _error(
        seen,
        Failure.PORT_IN_USE,
        f"wants a fixed TCP port that is taken{_words(seen.tail)}",
        "it must take a free port or a Unix socket, or run once only",
    )


def _read_by_shell(line: str) -> bool:
    # What the kernel refuses to execute, execvp(3) of the link before gives to the shell; no script contains this.
    return "\x7fELF" in line or "cannot execute binary file" in line


def _is_port_taken(text: str) -> bool:
    lowered = text.lower()
    return any(words in lowered for words in _PORT_TAKEN)


def port_shared(seen: Evidence, address: str) -> LaunchError:
    """Tell that calls to its TCP port would reach another process."""
    return _error(
        seen,
        Failure.PORT_IN_USE,
        f"listens on TCP {address}, and so does another process: calls would reach either",
        "it must take a free port or a Unix socket, or run once only",
    )


def _error(seen: Evidence, failure: Failure, what: str, advice: str = "") -> LaunchError:
    message = f"{Path(seen.program).name} {what}" + (f"; {advice}" if advice else "")
    return LaunchError(failure, message, exit_=seen.exit, tail=seen.tail)


def _words(tail: tuple[str, ...]) -> str:
    # A Go panic tells why in its first line and ends with a stack.
    line = next((line for line in tail if line.startswith(_TELLING)), tail[-1] if tail else "")
    return f", stderr: {_quote(line.encode())}" if line else ", nothing on stderr"


def _quote(raw: bytes) -> str:
    text = raw.decode(errors="replace").strip()
    return repr(text if len(text) <= _QUOTED else text[:_QUOTED] + "...")
