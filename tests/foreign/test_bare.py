"""The plugins that others wrote, launched with nothing of the controller: what they really answer."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.foreign import plugins
from tests.plugins.bare import CHECK, SERVING, Bare, call

# {service: "plugin"}: what go-plugin's own host asks for.
PLUGIN = b"\x0a\x06plugin"


@pytest.fixture
def launch(tmp_path: Path, install: Callable[..., Path]) -> Iterator[Callable[[plugins.Foreign], Bare]]:
    """Run a foreign plugin; it's ended with the test."""
    running: list[Bare] = []

    def run(plugin: plugins.Foreign) -> Bare:
        program = install(plugin.find(), tmp_path / "plugins")
        running.append(Bare(program, plugin.environment, tmp_path))
        return running[-1]

    yield run
    for each in running:
        each.end()


@pytest.mark.parametrize("plugin", plugins.parameters(plugins.PLUGINS))
def test_it_answers_its_version_over_grpc_and_is_healthy(launch: Callable[..., Bare], plugin: plugins.Foreign):
    bare = launch(plugin)
    core, version, network, address, protocol, *_ = bare.handshake()
    assert (core, version, network, protocol) == ("1", str(plugin.answers), "unix", "grpc")
    with bare.dial(network, address) as channel:
        assert call(channel, CHECK, PLUGIN) == SERVING


@pytest.mark.parametrize("plugin", plugins.parameters(plugins.REFUSED))
def test_it_offers_net_rpc_only(launch: Callable[..., Bare], plugin: plugins.Foreign):
    core, version, _, _, protocol, *_ = launch(plugin).handshake()
    assert (core, version, protocol) == ("1", str(plugin.answers), "netrpc")
