"""Every message names the plugin, what was seen and what to do, in one line."""

import errno
import os

import pytest

from controller.goplugin import Failure, Handshake, LaunchError, ProcessExit, diagnosis
from controller.goplugin.diagnosis import Evidence
from controller.goplugin.handshake import HandshakeError

HANDSHAKE = Handshake("KEY", "value")
TAKEN = ("2026/08/17 listen tcp 127.0.0.1:1234: bind: address already in use",)
PANIC = ("panic: no database", "", "goroutine 1 [running]:", "exit status 2")


def seen(tail: tuple[str, ...] = (), exit_: ProcessExit | None = None, printed: bytes = b"") -> Evidence:
    return Evidence("/v/rules/login", HANDSHAKE, tail, printed, exit_, "tcp:127.0.0.1:1234", "Connection refused")


def test_a_refusal_of_the_chain_is_no_fault_of_the_plugin() -> None:
    refusal = ("setpriv: activate no_new_privs: Operation not permitted",)
    error = diagnosis.exited(seen(refusal, ProcessExit(code=127)))
    assert error.failure is Failure.SPAWN_FAILED
    assert "Operation not permitted" in error.message


@pytest.mark.parametrize(
    "error",
    [
        diagnosis.exited(seen(TAKEN, ProcessExit(code=1))),
        diagnosis.unusable_line(seen(TAKEN), HandshakeError(Failure.NOT_A_PLUGIN, "its first line is no handshake")),
        diagnosis.silent(seen(TAKEN), 3),
        diagnosis.died_connecting(seen(TAKEN, ProcessExit(code=1))),
        diagnosis.refused(seen(TAKEN), 3),
    ],
)
def test_a_port_that_is_taken_is_named_whenever_it_shows(error: LaunchError) -> None:
    assert error.failure is Failure.PORT_IN_USE
    assert error.message.startswith("login wants a fixed TCP port that is taken")
    assert "1234" in error.message


def test_a_panic_is_quoted_by_its_first_line() -> None:
    assert "'panic: no database'" in diagnosis.exited(seen(PANIC, ProcessExit(code=2))).message


def test_a_wrong_cookie_takes_prose_and_code_together() -> None:
    prose = ("This binary is a plugin. These are not meant to be executed directly.",)
    assert diagnosis.exited(seen(prose, ProcessExit(code=1))).failure is Failure.WRONG_COOKIE
    assert diagnosis.exited(seen(prose, ProcessExit(code=2))).failure is Failure.EXITED_BEFORE_HANDSHAKE


def test_silence_shows_what_came_without_a_line_end() -> None:
    assert "only b" not in diagnosis.silent(seen(printed=b"1|1|unix"), 3).message
    assert "'1|1|unix' without a line end" in diagnosis.silent(seen(printed=b"1|1|unix"), 3).message


def test_no_process_is_told_by_its_cause() -> None:
    def of(number: int) -> str:
        return diagnosis.not_spawned("/v/rules/login", "/work", OSError(number, os.strerror(number))).message

    assert "limits on processes" in of(errno.EAGAIN)
    assert "/work" in of(errno.ENOENT)
    refused = diagnosis.not_limited("/v/rules/login", PermissionError(1, "Operation not permitted"))
    assert refused.message == "cannot limit login: Operation not permitted; look at its limits"


def test_messages_stay_short_whatever_a_plugin_prints() -> None:
    noise = ("x" * 500,) * 20
    for error in (
        diagnosis.exited(seen(noise, ProcessExit(signal=99))),
        diagnosis.silent(seen(noise, printed=b"y" * 60000), 3),
        diagnosis.endless_line(seen(noise, printed=b"\xff" * 70000)),
        diagnosis.unanswered(seen(noise), 3),
    ):
        assert len(error.message) < 700
        assert "\n" not in error.message
        assert error.tail == noise
