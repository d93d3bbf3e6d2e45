"""The contents of `fromFile` and `fromEnv`, read afresh whenever a config is resolved. The only I/O of this package."""

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

MAX_BYTES = 64 * 1024  # Linux takes 128 KiB for one variable, name included


class UnreadableError(Exception):
    """A value that cannot be had now; names the file or variable, never a content."""


class Secrets:
    """What env entries stand for; each file is read once, and only in one of `directories`."""

    def __init__(self, environ: Mapping[str, str], directories: Iterable[str]) -> None:
        """`environ` is the controller's own environment."""
        self._environ = environ
        self._directories = tuple(directories)
        self._files: dict[str, tuple[str | None, str]] = {}  # the value, or None and why there is none

    def value_of(self, variable: Mapping[str, Any]) -> str:
        """The value of one entry of `env`; raises UnreadableError."""
        if "fromFile" in variable:
            return self._file(variable["fromFile"])
        if "fromEnv" in variable:
            return self._own(variable["fromEnv"])
        return str(variable["value"])

    def is_fresh(self) -> bool:
        """Whether every file that was asked for still says the same."""
        return all(self._read(path) == outcome for path, outcome in self._files.items())

    def _own(self, name: str) -> str:
        if name not in self._environ:
            raise UnreadableError(f"the controller's environment has no {name}")
        return self._environ[name]

    def _file(self, path: str) -> str:
        if path not in self._files:
            self._files[path] = self._read(path)
        value, why_not = self._files[path]
        if value is None:
            raise UnreadableError(why_not)
        return value

    def _read(self, path: str) -> tuple[str | None, str]:
        try:
            return _text(path, _content(self._allowed(path))), ""
        except UnreadableError as error:
            return None, str(error)
        except OSError as error:
            return None, f"{path}: {error.strerror}"

    def _allowed(self, path: str) -> str:
        """The file itself, all links followed: a volume's own links stay within it, others do not count."""
        real = os.path.realpath(path)
        if any(Path(real).is_relative_to(os.path.realpath(directory)) for directory in self._directories):
            return real
        allowed = ", ".join(self._directories) or "none is allowed"
        raise UnreadableError(f"{path} is not in a directory given with --secrets-dir ({allowed})")


def _content(path: str) -> bytes:
    # Not blocking, since opening a pipe would wait for its writer for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnreadableError(f"{path} is no regular file")
        return file.read(MAX_BYTES + 1)


def _text(path: str, content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise UnreadableError(f"{path} is larger than {MAX_BYTES // 1024} KiB")
    if b"\0" in content:
        raise UnreadableError(f"{path} has a NUL byte, which no variable can hold")
    return _without_line_break(content).decode("utf-8", "surrogateescape")


def _without_line_break(content: bytes) -> bytes:
    """`echo secret > token` means the same as `kubectl create secret --from-literal`, so one line break goes."""
    return content.removesuffix(b"\n").removesuffix(b"\r") if content.endswith(b"\n") else content


def secret(source: str, environ: Mapping[str, str], directories: Iterable[str]) -> str:
    """What a `Launch.sources` entry stands for now; raises UnreadableError."""
    field, _, place = source.partition(" ")
    return Secrets(environ, directories).value_of({field: place})
