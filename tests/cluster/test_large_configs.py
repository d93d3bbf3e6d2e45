"""Where a PluginConfig becomes too large: the same to the API server and to us, but for what only etcd can tell."""

import json

import pytest
import yaml

from controller.config import DocumentError, parse
from tests.cluster.api import ApiError
from tests.cluster.namespace import Namespace
from tests.cluster.verdict import judge

MIB = 1024 * 1024


def config(**kind):
    return {
        "apiVersion": "pluginmgr.dev/v1alpha1",
        "kind": "PluginConfig",
        "metadata": {"name": "large"},
        "spec": {"kinds": [{"name": "rule", "adapter": "rule", **kind}]},
    }


def of_size(size):
    """A config whose JSON has so many bytes."""
    empty = config(defaults={"config": {"a": ""}})
    return config(defaults={"config": {"a": "x" * (size - len(json.dumps(empty)))}})


def test_4096_plugins_are_taken_and_no_more(namespace: Namespace):
    most, more = (config(plugins=[{"name": f"p{n}"} for n in range(count)]) for count in (4096, 4097))
    assert judge(namespace, most).is_taken
    assert len(parse(yaml.dump(most, Dumper=yaml.CSafeDumper), source="x").data["spec"]["kinds"][0]["plugins"]) == 4096
    assert judge(namespace, more).fields == ("spec.kinds[rule].plugins",)
    with pytest.raises(DocumentError, match=r"spec\.kinds\[rule\]\.plugins: must have at most 4096 items"):
        parse(json.dumps(more), source="x")


def test_a_document_of_more_than_3_mib_is_refused_by_both(namespace: Namespace):
    fits, exceeds = of_size(3 * MIB - 1), of_size(3 * MIB + 1)
    assert parse(json.dumps(fits), source="x").name == "large"
    assert judge(namespace, fits).is_taken
    with pytest.raises(DocumentError, match="larger than 3 MiB"):
        parse(json.dumps(exceeds), source="x")
    assert "Request entity too large" in judge(namespace, exceeds).message


def test_what_etcd_does_not_take_is_refused_only_when_it_is_written(namespace: Namespace):
    body = of_size(2 * MIB)
    assert judge(namespace, body).is_taken
    with pytest.raises(ApiError, match=r"too large|larger than max"):
        namespace.cluster.api("POST", namespace.ours("pluginconfigs"), body)
    assert namespace.find(namespace.ours("pluginconfigs/large")) is None
