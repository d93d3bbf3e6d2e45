"""The two process attributes that need prctl(2), which Python does not wrap. Nothing else may be in here."""

import ctypes
import os
from functools import cache
from typing import Any

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37


def set_subreaper() -> None:
    """Make orphans among this process's descendants its own children."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def is_subreaper() -> bool:
    """Tell whether orphaned descendants come to this process."""
    flag = ctypes.c_int(0)
    _prctl(_PR_GET_CHILD_SUBREAPER, ctypes.addressof(flag))
    return bool(flag.value) or os.getpid() == 1


def set_not_dumpable() -> None:
    """Keep other processes of the same user out of this one's memory, environment and descriptors."""
    _prctl(_PR_SET_DUMPABLE, 0)


def _prctl(option: int, argument: int) -> None:
    longs = [ctypes.c_ulong(value) for value in (argument, 0, 0, 0)]
    if _libc().prctl(ctypes.c_int(option), *longs) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@cache
def _libc() -> Any:
    # Each CDLL is a class of its own, and a class is freed by a full collection only.
    return ctypes.CDLL(None, use_errno=True)
