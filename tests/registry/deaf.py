"""A host that never reads: HTTP/2 by hand, since every gRPC library reads."""

import socket
import struct
from pathlib import Path

from controller.registry.pb import registry_pb2 as pb

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_HEADERS = 4
WATCH = "/pluginmgr.v1.Registry/Watch"


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def header(name: str, value: str) -> bytes:
    """A literal without indexing and without Huffman."""
    return b"\0" + b"".join(bytes([len(text)]) + text.encode() for text in (name, value))


def watch(path: Path, *requests: pb.WatchRequest) -> socket.socket:
    """Say these in a Watch; nothing that comes back is ever read."""
    connection = socket.socket(socket.AF_UNIX)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(str(path))
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": WATCH,
        ":authority": "localhost",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    connection.sendall(PREFACE + frame(SETTINGS, 0, 0, b""))
    connection.sendall(frame(HEADERS, END_HEADERS, 1, b"".join(header(*each) for each in fields.items())))
    for request in requests:
        body = request.SerializeToString()
        connection.sendall(frame(DATA, 0, 1, b"\0" + struct.pack(">I", len(body)) + body))
    return connection
