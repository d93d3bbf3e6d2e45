"""The plugin's side of go-plugin: `serve` makes a program a plugin, from the cookie to a graceful end.

AutoMTLS, the broker and multiplexing are not here; hosts that insist on one of them are told so.
"""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias

import grpc.aio

from controller.goplugin import greeting
from controller.goplugin.own_services import OwnServices
from controller.goplugin.printed import Printed

Register: TypeAlias = Callable[[grpc.aio.Server], object]
"""Adds a plugin's services to its server, as the generated `add_..._to_server` do."""

_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),
)
_LAST_CALLS = 0.2  # seconds after the grace, for handlers in threads: nobody can cut those off


@dataclass(frozen=True, slots=True)
class _Plugin:
    versions: Mapping[int, Register]
    grace: float
    on_stop: Callable[[], Awaitable[object]] | None


def serve(
    cookie_key: str,
    cookie_value: str,
    versions: Mapping[int, Register],
    *,
    grace: float = 1.0,
    on_stop: Callable[[], Awaitable[object]] | None = None,
) -> None:
    """Serve until the host calls Shutdown or sends SIGTERM; call it last, from the main thread.

    Handlers may be coroutine functions, or plain ones, which run in threads. After the handshake what is printed goes
    to the host.

    Args:
        cookie_key: The variable that hosts of this kind of plugin set.
        cookie_value: Its value.
        versions: What to serve by protocol version; the highest that the host has too is served.
        grace: Seconds that calls in flight have to finish in when the plugin is stopped.
        on_stop: Awaited after the last call, for as long again.

    Raises:
        SystemExit: 1, with the reason on stderr: no host has started this, or it cannot be served.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the host, which stops its plugins itself
    try:
        greeting.check_host(cookie_key, cookie_value, os.environ)
        asyncio.run(_serve(_Plugin(versions, grace, on_stop)))
    except (greeting.GreetingError, OSError) as error:
        sys.stderr.write(f"{error}".rstrip() + "\n")
        sys.exit(1)


async def _serve(plugin: _Plugin) -> None:
    loop, stop, printed = asyncio.get_running_loop(), asyncio.Event(), Printed()
    threads = ThreadPoolExecutor(thread_name_prefix="handler")
    loop.set_default_executor(threads)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    with printed.captured():
        server = grpc.aio.server(threads, handlers=OwnServices(stop, printed).handlers(), options=_OPTIONS)
        version, note = greeting.choose_version(plugin.versions, os.environ)
        sys.stderr.write(note)
        plugin.versions[version](server)
        with _socket_path() as path:
            _listen(server, path)
            await server.start()
            printed.announce(greeting.line(version, path, os.environ))
            await stop.wait()
            printed.end()
            await server.stop(plugin.grace)
            await _finish(plugin)
    _leave(threads)


async def _finish(plugin: _Plugin) -> None:
    if plugin.on_stop is None:
        return
    try:
        async with asyncio.timeout(plugin.grace):
            await plugin.on_stop()
    except TimeoutError:
        sys.stderr.write(f"the plugin did not finish within {plugin.grace:g} s\n")


def _leave(threads: ThreadPoolExecutor) -> None:
    """End the process at once if a handler hangs in its thread: Python would wait for it for ever."""
    closing = threading.Thread(target=threads.shutdown, kwargs={"cancel_futures": True}, daemon=True)
    closing.start()
    closing.join(_LAST_CALLS)
    if closing.is_alive():
        os._exit(0)


def _listen(server: grpc.aio.Server, path: str) -> None:
    try:
        server.add_insecure_port(f"unix:{path}")
    except RuntimeError as error:
        raise greeting.GreetingError(f"cannot listen at {path}: {error}") from error
    _share(path)


def _share(path: str) -> None:
    """Give the socket to the group that the host names."""
    group = os.environ.get("PLUGIN_UNIX_SOCKET_GROUP")
    if group:
        shutil.chown(path, group=int(group) if group.isdigit() else group)
        os.chmod(path, 0o660)  # noqa: PTH101 - the path is text


@contextmanager
def _socket_path() -> Iterator[str]:
    """A path nobody has, in the host's directory or one of our own; nothing is there afterwards."""
    given = os.environ.get("PLUGIN_UNIX_SOCKET_DIR")
    directory = given or tempfile.mkdtemp(prefix="plugin-dir")
    path = os.path.join(directory, f"plugin{int.from_bytes(os.urandom(4))}")  # noqa: PTH118 - pathlib costs start time
    try:
        if len(os.fsencode(path)) > greeting.SOCKET_PATH_LIMIT:
            raise greeting.GreetingError(f"the socket's path is longer than {greeting.SOCKET_PATH_LIMIT} bytes: {path}")
        yield path
    finally:
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108 - as above
        if not given:
            shutil.rmtree(directory, ignore_errors=True)
