"""What a well-behaved plugin does, with a handle on every part that the programs beside it do wrong.

Nothing of the controller may be imported here: these are plugins that others could have written. Only grpc is, and no
generated code, so that a start costs little; messages are the few bytes that they are on the wire.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

sys.modules.setdefault("grpc.aio", ModuleType("grpc.aio"))  # never used here, and a third of the time of the import
import grpc  # noqa: E402

COOKIE_KEY = "ZOO_PLUGIN"
COOKIE_VALUE = "please"
PROTOCOL_VERSION = 1

SERVING = b"\x08\x01"
NOT_SERVING = b"\x08\x02"
EMPTY = b""

Call = Callable[[bytes, grpc.ServicerContext], bytes]


def number(name: str, default: int) -> int:
    """A parameter of the misbehaviour, from the environment."""
    return int(os.environ.get(name, default))


def check_cookie() -> None:
    """Refuse to run outside of a host, in go-plugin's own words."""
    if os.environ.get(COOKIE_KEY) == COOKIE_VALUE:
        return
    sys.stderr.write(
        "This binary is a plugin. These are not meant to be executed directly.\n"
        "Please execute the program that consumes these plugins, which will\n"
        "load any plugins automatically\n",
    )
    sys.exit(1)


def socket_path() -> str:
    """Where to listen: in the host's directory if it named one."""
    directory = os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or tempfile.mkdtemp(prefix="zoo")
    return os.path.join(directory, f"plugin{os.getpid()}")  # noqa: PTH118 pathlib costs start time


def announce(
    address: str, *, network: str = "unix", core: int = 1, version: int = PROTOCOL_VERSION, rest: str = "|grpc|"
) -> None:
    """Print the handshake line."""
    sys.stdout.write(f"{core}|{version}|{network}|{address}{rest}\n")
    sys.stdout.flush()


def after(milliseconds: int, action: Callable[[], object]) -> None:
    """Run the action on a thread of its own, some time from now."""

    def run() -> None:
        time.sleep(milliseconds / 1000)
        action()

    threading.Thread(target=run, daemon=True).start()


def serving(_request: bytes, _context: grpc.ServicerContext) -> bytes:
    """Answer a health check as a healthy plugin."""
    return SERVING


def echo(request: bytes, context: grpc.ServicerContext) -> bytes:
    """Give the request back, after the milliseconds that the caller asked for in metadata `delay-ms`."""
    delay = dict(context.invocation_metadata()).get("delay-ms", "0")
    time.sleep(int(delay) / 1000)
    return request


def hang(_request: bytes, context: grpc.ServicerContext) -> bytes:
    """Answer never: not before the caller has given up."""
    while context.is_active():
        time.sleep(0.02)
    return EMPTY


def no_shutdown(_request: bytes, _context: grpc.ServicerContext) -> bytes:
    """Answer the Shutdown call and do nothing about it."""
    return EMPTY


class Plugin:
    """A gRPC server with the services that go-plugin's host expects, and `zoo.Echo` to call."""

    def __init__(
        self, *, health: Call = serving, shutdown: Call | None = None, calls: Mapping[str, Call] | None = None
    ) -> None:
        """Take other behaviour for single calls; `calls` maps "/service/method" to more of them."""
        check_cookie()
        self.path = socket_path()
        self._down = threading.Event()
        self.server = grpc.server(ThreadPoolExecutor(max_workers=8), options=[("grpc.so_reuseport", 0)])
        handlers = {
            "/grpc.health.v1.Health/Check": health,
            "/plugin.GRPCController/Shutdown": shutdown or self._shutdown,
            "/zoo.Echo/Call": echo,
            **(calls or {}),
        }
        self.server.add_generic_rpc_handlers((Handlers(handlers),))

    def listen(self) -> "Plugin":
        """Bind the socket and serve."""
        self.server.add_insecure_port(f"unix:{self.path}")
        self.server.start()
        return self

    def run(self) -> None:
        """Serve until Shutdown is called."""
        self.listen()
        announce(self.path)
        self.wait()

    def wait(self) -> None:
        """Return when Shutdown was called, with its reply sent and the socket removed."""
        self._down.wait()
        self.server.stop(grace=0.1).wait()

    def _shutdown(self, _request: bytes, _context: grpc.ServicerContext) -> bytes:
        self._down.set()
        return EMPTY


class Handlers(grpc.GenericRpcHandler):
    """Calls by their full name, bytes in and bytes out."""

    def __init__(self, calls: Mapping[str, Call]) -> None:
        """Hold the calls."""
        self._handlers: dict[str, Any] = {
            name: grpc.unary_unary_rpc_method_handler(call) for name, call in calls.items()
        }

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        """Find one; None is answered with UNIMPLEMENTED."""
        return self._handlers.get(details.method)
