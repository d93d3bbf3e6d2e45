"""The smallest sample plugins, which use no SDK: good plugins, from wherever they are run."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
import yaml
from google.protobuf.wrappers_pb2 import StringValue

from tests.plugins.bare import CHECK, PATIENCE, SERVING, SHUTDOWN, Bare, call
from tests.tools import build

EXAMPLES = build.ROOT / "examples/greeter"
CONFIG = yaml.safe_load((EXAMPLES / "pluginconfig.yaml").read_text())
KIND = CONFIG["spec"]["kinds"][0]

Greeter = Callable[..., Bare]


@pytest.fixture(params=[pytest.param("greeter-go", marks=pytest.mark.go), "greeter-python"])
def greeter(request: pytest.FixtureRequest, bare: Callable[..., Bare]) -> Greeter:
    """Run a sample with the cookie that the sample PluginConfig names, and its interpreter first on PATH as in make."""
    program = build.build("greeter-go") if request.param == "greeter-go" else EXAMPLES / "python/greeter.py"
    cookie = {KIND["handshake"]["cookieKey"]: KIND["handshake"]["cookieValue"]}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return lambda **environment: bare(program, **{"PATH": path, **cookie, **environment})


def greet(channel: grpc.Channel, name: str) -> str:
    answer = call(channel, "/greeter.v1.Greeter/Greet", StringValue(value=name).SerializeToString())
    return StringValue.FromString(answer).value


def test_it_is_healthy_and_greets(greeter: Greeter):
    with greeter().connect() as channel:
        assert call(channel, CHECK, b"\x0a\x06plugin") == SERVING
        assert greet(channel, "world") == "Hello, world!"


def test_its_config_is_the_json_file_that_the_host_names(greeter: Greeter, tmp_path: Path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"greeting": "Good evening"}))
    with greeter(PLUGINMGR_CONFIG=str(config)).connect() as channel:
        assert greet(channel, "world") == "Good evening, world!"


def test_it_ends_on_shutdown_and_takes_its_socket_along(greeter: Greeter):
    plugin = greeter()
    _, version, network, address, *_ = plugin.handshake()
    assert int(version) in KIND["handshake"]["protocolVersions"]
    with plugin.dial(network, address) as channel:
        assert call(channel, CHECK) == SERVING
        try:
            call(channel, SHUTDOWN)
        except grpc.RpcError as error:  # Go's server stops before it has answered
            assert error.code() == grpc.StatusCode.UNAVAILABLE  # noqa: PT017
    assert plugin.process.wait(PATIENCE) == 0
    assert not Path(address).exists()


def test_its_log_lines_are_records(greeter: Greeter):
    plugin = greeter(GREETER_SAY_EVERY_SECONDS="0.05")
    plugin.handshake()
    while (record := json.loads(plugin.line("stderr")))["@message"] != "still here":
        pass
    assert record["@level"] == "info"
    assert {"@module", "@timestamp"} <= record.keys()


def test_it_refuses_to_run_without_its_cookie(greeter: Greeter):
    plugin = greeter(**{KIND["handshake"]["cookieKey"]: "another"})
    _, err = plugin.process.communicate(timeout=PATIENCE)
    assert plugin.process.returncode == 1
    assert b"This binary is a plugin" in err


@pytest.mark.go
def test_crash_comes_as_told(bare: Callable[..., Bare]):
    cookie = {KIND["handshake"]["cookieKey"]: KIND["handshake"]["cookieValue"]}
    plugin = bare(build.build("greeter-go"), GREETER_CRASH_AFTER_SECONDS="0.05", **cookie)
    assert b"panic: told to" in plugin.read("stderr", upto=b"panic: told to")
    assert plugin.process.wait(PATIENCE) == 2
