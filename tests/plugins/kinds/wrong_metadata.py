#!/usr/bin/env python3
"""Answers GetMetadata with what is no metadata: `METADATA`, in hex.

It is no tuning rule, but for the cookie.
"""

import os
from typing import Any

import grpc

from controller.goplugin import serve


def answer(content: bytes) -> Any:
    return grpc.unary_unary_rpc_method_handler(lambda _request, _context: content)


def register(server: Any) -> None:
    methods = {"Init": answer(b""), "GetMetadata": answer(bytes.fromhex(os.environ["METADATA"]))}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("pluginmgr.kinds.v1.TuningRule", methods),))


serve("BLINK_PLUGIN", "tuning_rule_v1", {1: register})
