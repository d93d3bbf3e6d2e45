"""posix_spawn(3) through ctypes, for what `os.posix_spawn` of Python 3.11 cannot ask for.

The working directory (instead of one more program in the chain, 0.5 ms and more under load) and closing every inherited
descriptor, those too that this process itself was started with. glibc 2.34 or later; nothing here knows of plugins.
"""

import ctypes
import os
import signal
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

_OPAQUE = 1024  # bytes for structures whose real sizes (80 to 336) are libc's business
_SETSIGDEF, _SETSIGMASK, _SETSID = 0x04, 0x08, 0x80
_FIRST_CLOSED = 3


def spawn(argv: Sequence[str], environ: Mapping[str, str], cwd: str, stdout: int, stderr: int) -> int:
    """Start `argv[0]`, an absolute path, as the leader of a session of its own; return its pid.

    Signals are at their defaults and unblocked: Python ignores SIGPIPE, and a child that inherited that would outlive
    a host that is gone. stdin is the null device. Both descriptors must be above 2. Raises
    OSError, and ValueError for what no process can be given.
    """
    libc = _libc()
    pid, attributes, actions = ctypes.c_int(), _attributes(), ctypes.create_string_buffer(_OPAQUE)
    words = [os.fsencode(word) for word in argv]
    entries = [os.fsencode(f"{name}={value}") for name, value in environ.items()]
    _check(libc.posix_spawn_file_actions_init(actions))
    try:
        _check(libc.posix_spawn_file_actions_addopen(actions, 0, os.fsencode(os.devnull), os.O_RDONLY, 0))
        _check(libc.posix_spawn_file_actions_adddup2(actions, stdout, 1))
        _check(libc.posix_spawn_file_actions_adddup2(actions, stderr, 2))
        _check(libc.posix_spawn_file_actions_addclosefrom_np(actions, _FIRST_CLOSED))
        _check(libc.posix_spawn_file_actions_addchdir_np(actions, os.fsencode(cwd)))
        _check(libc.posix_spawn(ctypes.byref(pid), words[0], actions, attributes, _strings(words), _strings(entries)))
    finally:
        libc.posix_spawn_file_actions_destroy(actions)
    return pid.value


@cache
def _attributes() -> Any:
    libc = _libc()
    attributes = ctypes.create_string_buffer(_OPAQUE)
    default, empty = ctypes.create_string_buffer(_OPAQUE), ctypes.create_string_buffer(_OPAQUE)
    libc.sigemptyset(default)
    libc.sigemptyset(empty)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        libc.sigaddset(default, int(number))
    _check(libc.posix_spawnattr_init(attributes))
    _check(libc.posix_spawnattr_setsigdefault(attributes, default))
    _check(libc.posix_spawnattr_setsigmask(attributes, empty))
    _check(libc.posix_spawnattr_setflags(attributes, ctypes.c_short(_SETSIGDEF | _SETSIGMASK | _SETSID)))
    return attributes


def _strings(words: Sequence[bytes]) -> Any:
    if any(b"\0" in word for word in words):
        raise ValueError("an argument or a variable contains a NUL byte")
    return (ctypes.c_char_p * (len(words) + 1))(*words, None)


def _check(number: int) -> None:
    # These functions return the error instead of setting errno.
    if number:
        raise OSError(number, os.strerror(number))


@cache
def _libc() -> Any:
    return ctypes.CDLL(None)
