import re

import pytest
import yaml

from controller.config import words
from controller.config.metadata import LABEL
from controller.config.quantity import in_bytes
from controller.config.schema import PLUGIN_CONFIGS, PLUGIN_POD_STATUSES, crd_file, open_api_schema, schema_of
from controller.core.model import PluginSpec, SecretUnavailable

BOTH = pytest.mark.parametrize("name", [PLUGIN_CONFIGS, PLUGIN_POD_STATUSES])


def nodes(node, path=()):
    """Every schema in a schema, with its path."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, (*path, name))
    if "items" in node:
        yield from nodes(node["items"], (*path, "[]"))


def at(node, *path):
    for step in path:
        node = node["items"] if step == "[]" else node["properties"][step]
    return node


def plugin_fields():
    schema = open_api_schema(PLUGIN_CONFIGS)
    entry = at(schema, "spec", "kinds", "[]", "plugins", "[]")["properties"]
    return {name: field for name, field in entry.items() if name != "name"}


def test_an_entry_and_both_defaults_have_the_same_fields():
    schema = open_api_schema(PLUGIN_CONFIGS)
    assert at(schema, "spec", "defaults")["properties"] == plugin_fields()
    assert at(schema, "spec", "kinds", "[]", "defaults")["properties"] == plugin_fields()


@BOTH
def test_no_field_has_a_default_that_would_hide_the_layers_below(name):
    assert [path for path, node in nodes(open_api_schema(name)) if "default" in node] == []


@BOTH
def test_every_field_has_a_bound(name):
    bounds = {"string": {"maxLength", "enum", "format"}, "array": {"maxItems"}, "integer": {"minimum"}}
    unbound = [
        ".".join(path)
        for path, node in nodes(open_api_schema(name))
        if not bounds.get(node.get("type"), node.keys()) & node.keys() and path not in {("apiVersion",), ("kind",)}
    ]
    # A signal or an exit code is what the kernel says.
    assert [path for path in unbound if not path.endswith(("lastExit.code", "lastExit.signal"))] == []


@BOTH
def test_every_field_is_explained(name):
    lacking = [
        path for path, node in nodes(open_api_schema(name)) if "description" not in node and path[-1:] != ("[]",)
    ]
    assert [path for path in lacking if path[:1] != ("metadata",)] == []


@BOTH
def test_every_list_says_how_its_items_are_owned(name):
    for path, node in nodes(open_api_schema(name)):
        if node.get("type") == "array":
            keys = node.get("x-kubernetes-list-map-keys", [])
            assert node["x-kubernetes-list-type"] in {"map", "set", "atomic"}, path
            assert set(keys) <= set(node["items"].get("required", [])), path


def test_every_pattern_of_the_config_has_words_for_people():
    found = [node for path, node in nodes(open_api_schema(PLUGIN_CONFIGS)) if path[:1] != ("status",)]
    assert {node["pattern"] for node in found if "pattern" in node} | {LABEL} == words.PATTERNS.keys()
    assert {node["not"]["pattern"] for node in found if "not" in node} == words.REFUSED.keys()


def test_the_crds_are_what_the_design_calls_them():
    config, status = (
        yaml.safe_load(crd_file(name).read_text())["spec"] for name in (PLUGIN_CONFIGS, PLUGIN_POD_STATUSES)
    )
    assert (config["names"]["shortNames"], status["names"]["shortNames"]) == (["plc"], ["pps"])
    assert config["names"]["categories"] == status["names"]["categories"] == ["plugins"]
    assert config["versions"][0]["subresources"] == {"status": {}}
    assert "subresources" not in status["versions"][0]
    columns = [column["name"] for column in config["versions"][0]["additionalPrinterColumns"]]
    assert columns == ["Ready", "Pods", "Failed", "Outdated", "Reason", "Age", "Paused", "Message"]
    for crd in (config, status):  # one writer owns the whole, and need not say so of every field
        assert at(crd["versions"][0]["schema"]["openAPIV3Schema"], "status")["x-kubernetes-map-type"] == "atomic"


def test_the_defaults_that_the_descriptions_name_are_those_of_the_core():
    spec = PluginSpec(SecretUnavailable(""))
    ours = {
        "enabled": spec.enabled,
        "workers": spec.workers,
        "required": spec.required,
        "startTimeoutSeconds": spec.start_timeout,
        "health.periodSeconds": spec.health.period,
        "health.timeoutSeconds": spec.health.timeout,
        "health.failureThreshold": spec.health.failure_threshold,
        "restart.initialDelayMilliseconds": spec.restart.initial_delay * 1000,
        "restart.maxDelaySeconds": spec.restart.max_delay,
        "restart.calmSeconds": spec.restart.calm,
        "stop.shutdownSeconds": spec.stop.shutdown,
        "stop.killSeconds": spec.stop.kill,
        "update.drainSeconds": spec.update.drain,
        "update.minReadySeconds": spec.update.min_ready,
        "update.probationSeconds": spec.update.probation,
        "logs.statusLines": spec.logs.status_lines,
        "logs.rateLinesPerSecond": spec.logs.rate,
    }
    told = {}
    for path, node in nodes({"properties": plugin_fields()}):
        default = re.search(r"Default: (true|false|[0-9]+)\.", node.get("description", ""))
        if default:
            told[".".join(path)] = yaml.safe_load(default[1])
    assert told == ours


@pytest.mark.parametrize(
    ("quantity", "size"),
    [
        ("256Mi", 256 * 1024**2),
        ("1Gi", 1024**3),
        ("500M", 500_000_000),
        ("1k", 1000),
        ("1Ki", 1024),
        ("1.5Gi", 3 * 1024**3 // 2),
        ("2T", 2 * 10**12),
        ("1Ti", 1024**4),
        ("1048576", 1048576),
        (4096, 4096),
        (4096.0, 4096),
    ],
)
def test_a_size_is_counted_in_bytes_as_kubernetes_does(quantity, size):
    assert in_bytes(quantity) == size


def test_a_status_document_is_what_its_crd_says():
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "NotAllReady",
        "message": "rule/a: crash loop",
        "lastTransitionTime": "2026-11-24T12:00:00Z",
    }
    plugin = {
        "kind": "rule",
        "name": "a",
        "state": "CrashLoop",
        "reason": "CrashLoop",
        "message": "exited with code 3",
        "required": True,
        "conditions": [condition],
        "targetDigest": "0a" * 32,
        "servingDigest": "",
        "workers": {"ready": 0, "wanted": 1},
        "restarts": 7,
        "lastExit": {"reason": "Exited", "message": "exit 3", "code": 3, "signal": None, "at": "2026-11-24T12:00:00Z"},
        "nextRetry": None,
        "logs": ["panic: no"],
    }
    document = {
        "apiVersion": "pluginmgr.dev/v1alpha1",
        "kind": "PluginPodStatus",
        "metadata": {"name": "local"},
        "status": {
            "ready": False,
            "summary": "0/1",
            "observedGeneration": 3,
            "controller": {"pid": 123, "startedAt": "2026-11-24T12:00:00Z", "version": "0.1.0"},
            "conditions": [condition],
            "plugins": [plugin],
        },
    }
    schema = schema_of(PLUGIN_POD_STATUSES)
    assert words.complaints(schema, document) == []
    plugin["workres"] = plugin.pop("workers")
    condition["status"] = True
    assert sorted(complaint.message for complaint in words.complaints(schema, document)) == [
        "must be one of ['True', 'False', 'Unknown']; it is true",
        "must be one of ['True', 'False', 'Unknown']; it is true",
        "must be text; it is true: put it in quotes",
        "must be text; it is true: put it in quotes",
        "no such field; is workers meant?",
    ]
