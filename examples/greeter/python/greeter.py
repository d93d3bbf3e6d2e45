#!/usr/bin/env python3
"""greeter-python is a sample plugin: go-plugin's protocol in one file, with grpcio and protobuf and nothing else.

It offers ../proto/greeter.proto. What a plugin owes its host is all here: the cookie, a socket where the host wants it,
the handshake line, a health service and the Shutdown call. It must stay one file: its host runs a copy of it.
"""

import json
import os
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.wrappers_pb2 import StringValue

# What the PluginConfig's `handshake` says: a host asks for this kind of plugin and no other.
COOKIE = ("GREETER_PLUGIN", "good morning")
PROTOCOL_VERSION = 1

# grpc.health.v1.HealthCheckResponse{status: SERVING}, as it is on the wire.
SERVING = b"\x08\x01"


def log(level: str, message: str, **fields: object) -> None:
    """Write one record to stderr as Go's hclog does; the host reads level and fields from it."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    record = {"@level": level, "@message": message, "@module": "greeter", "@timestamp": now, **fields}
    print(json.dumps(record), file=sys.stderr, flush=True)


def load_greeting() -> str:
    """Read the PluginConfig's `config`, which comes as a JSON file."""
    path = os.environ.get("PLUGINMGR_CONFIG")
    config = json.loads(Path(path).read_text()) if path else {}
    return str(config.get("greeting", "Hello"))


def services(greeting: str, shutdown: threading.Event) -> list[grpc.GenericRpcHandler]:
    """Bind each call to what answers it, as generated code would."""

    def greet(name: StringValue, _context: grpc.ServicerContext) -> StringValue:
        log("debug", "greeting", name=name.value)
        return StringValue(value=f"{greeting}, {name.value}!")

    def check(_request: bytes, _context: grpc.ServicerContext) -> bytes:
        return SERVING

    def stop(_request: bytes, _context: grpc.ServicerContext) -> bytes:
        shutdown.set()
        return Empty().SerializeToString()

    call = grpc.unary_unary_rpc_method_handler
    methods: dict[str, dict[str, Any]] = {
        "greeter.v1.Greeter": {"Greet": call(greet, StringValue.FromString, StringValue.SerializeToString)},
        "grpc.health.v1.Health": {"Check": call(check)},
        "plugin.GRPCController": {"Shutdown": call(stop)},
    }
    return [grpc.method_handlers_generic_handler(service, handlers) for service, handlers in methods.items()]


def main() -> int:
    """Serve until the host calls Shutdown."""
    if os.environ.get(COOKIE[0]) != COOKIE[1]:
        print("This binary is a plugin: start it by its host, or set its cookie.", file=sys.stderr)
        return 1
    shutdown = threading.Event()
    server = grpc.server(ThreadPoolExecutor(), handlers=services(load_greeting(), shutdown))
    path = Path(os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or tempfile.mkdtemp(), f"plugin{os.getpid()}")
    server.add_insecure_port(f"unix:{path}")
    server.start()
    print(f"1|{PROTOCOL_VERSION}|unix|{path}|grpc|", flush=True)  # the handshake line: nothing may be printed before

    period = float(os.environ.get("GREETER_SAY_EVERY_SECONDS", "0")) or None
    while not shutdown.wait(period):
        log("info", "still here")
    server.stop(grace=0.1).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
