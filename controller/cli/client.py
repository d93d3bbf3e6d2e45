"""The command line's end of the control socket: plain http.client over a Unix socket.

A controller that does not answer is an error, whatever files it left behind.
"""

import http.client
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from controller.errors import NoControllerError, PluginmgrError

SOCKET = "control.sock"
TIMEOUT = 5.0
CHUNK = 64 * 1024


class UnfitError(PluginmgrError):
    """The controller answered, and what was asked for is not there."""

    exit_code = 1


class Controller:
    """Asks the controller that owns a state directory; one connection per question."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / SOCKET

    def get(self, path: str) -> Any:
        """The JSON document at `path`."""
        return self._read_document("GET", path)

    def post(self, path: str) -> Any:
        """Ask for a change; the JSON answer."""
        return self._read_document("POST", path)

    def lines(self, path: str) -> Iterator[Any]:
        """Each record of a stream, as it comes; waits for the next one as long as it takes."""
        with _Connection(self.path) as connection:
            answer = self._ask(connection, "GET", path)
            connection.wait_for_ever()
            try:
                yield from map(json.loads, _split(answer))
            except (OSError, http.client.HTTPException, json.JSONDecodeError) as error:
                raise NoControllerError(f"the controller at {self.path} stopped in the middle of an answer") from error

    def _read_document(self, method: str, path: str) -> Any:
        with _Connection(self.path) as connection:
            answer = self._ask(connection, method, path)
            try:
                return json.loads(answer.read())
            except (OSError, http.client.HTTPException, json.JSONDecodeError) as error:
                raise NoControllerError(f"the controller at {self.path} stopped in the middle of an answer") from error

    def _ask(self, connection: "_Connection", method: str, path: str) -> http.client.HTTPResponse:
        try:
            connection.request(method, path)
            answer = connection.getresponse()
        except TimeoutError as error:
            raise NoControllerError(f"the controller at {self.path} does not answer within {TIMEOUT:g} s") from error
        except PermissionError as error:
            raise NoControllerError(f"no access to {self.path}: run this as the controller's own user") from error
        except (OSError, http.client.HTTPException) as error:
            raise NoControllerError(
                f"no controller answers at {self.path}: is `pluginmgr run` up, with this --state-dir?"
            ) from error
        if answer.status >= http.client.BAD_REQUEST:
            raise _failure(answer)
        return answer


def path_of(resource: str, key: str, *flags: str) -> str:
    """`/logs/rule/x?follow`: the names are quoted, whatever they contain."""
    query = "?" + "&".join(flags) if flags else ""
    return "/".join(["", resource, *(quote(name, safe="") for name in key.split("/"))]) + query


def _split(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The lines of a stream as they come. `readline` would take a stream that is cut off for one that ended."""
    rest = b""
    while part := answer.read1(CHUNK):
        *lines, rest = (rest + part).split(b"\n")
        yield from lines


def _failure(answer: http.client.HTTPResponse) -> PluginmgrError:
    body = answer.read()
    try:
        message = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        message = body.decode(errors="replace").strip()
    return (NoControllerError if answer.status == http.client.FORBIDDEN else UnfitError)(message)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = self._own = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(os.fspath(self._path))

    def wait_for_ever(self) -> None:
        self._own.settimeout(None)  # `sock` is None by now: http.client lets go of one that ends with its answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
