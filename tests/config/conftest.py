import pytest
import yaml

from controller.config import parse, resolve


def dumped(spec, **metadata):
    return yaml.safe_dump(
        {
            "apiVersion": "pluginmgr.dev/v1alpha1",
            "kind": "PluginConfig",
            "metadata": {"name": "detections", **metadata},
            "spec": spec,
        }
    )


@pytest.fixture(name="dumped")
def _dumped():
    """A function: the text of a spec's file."""
    return dumped


@pytest.fixture
def document():
    """A function: the Document of a spec, as if it had been written to a file."""

    def make(spec, **metadata):
        return parse(dumped(spec, **metadata), source="plugins.yaml", strict=True)

    return make


@pytest.fixture
def rule():
    """A function: the spec of one kind, `rule`, with these fields."""

    def make(**fields):
        handshake = {"cookieKey": "BLINK_PLUGIN", "cookieValue": "rule_v1", "protocolVersions": [1]}
        return {"name": "rule", "handshake": handshake, **fields}

    return make


@pytest.fixture
def resolved(document):
    """A function: the Config of a spec, with nothing in the environment and no secrets."""

    def make(spec, **surroundings):
        given = {"plugin_dir": "/plugins", "environ": {}, "secrets_dirs": ()} | surroundings
        return resolve(document(spec), **given)

    return make
