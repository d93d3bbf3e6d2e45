"""Edits by real kubectl that the API server refuses, and what it cannot refuse any more because it is stored."""

import json

import pytest
import yaml

from controller.config import DocumentError, from_object
from tests.cluster.api import MERGE, ApiError
from tests.cluster.control_plane import ControlPlane
from tests.cluster.namespace import Namespace
from tests.cluster.other_crds import crd, install, lax_crd

HANDSHAKE = {"cookieKey": "BLINK_PLUGIN", "cookieValue": "rule_v1", "protocolVersions": [1]}
PLUGIN = "/spec/kinds/0/plugins/0"
# What is put where, and the field that the refusal has to name.
EDITS = [
    (f"{PLUGIN}/workers", 0, "spec.kinds[0].plugins[0].workers"),
    (f"{PLUGIN}/workers", "two", "spec.kinds[0].plugins[0].workers"),
    (f"{PLUGIN}/enabled", "no", "spec.kinds[0].plugins[0].enabled"),
    (f"{PLUGIN}/sha256", ["sha256:00"], "spec.kinds[0].plugins[0].sha256[0]"),
    (f"{PLUGIN}/restartedAt", "now", "spec.kinds[0].plugins[0].restartedAt"),
    (f"{PLUGIN}/limits", {"memory": "1GB"}, "spec.kinds[0].plugins[0].limits.memory"),
    (f"{PLUGIN}/autoMTLS", True, "spec.kinds[0].plugins[0].autoMTLS"),
    (f"{PLUGIN}/config", [], "spec.kinds[0].plugins[0].config"),
    (f"{PLUGIN}/env", [{"name": "LD_PRELOAD", "value": "x"}], "spec.kinds[0].plugins[0].env[0].name"),
    (f"{PLUGIN}/env", [{"name": "A"}], "spec.kinds[0].plugins[0].env[0]"),
    (f"{PLUGIN}/env", [{"name": "A", "value": "a", "fromEnv": "A"}], "spec.kinds[0].plugins[0].env[0]"),
    (f"{PLUGIN}/env", [{"name": "A", "value": "a"}, {"name": "A", "value": "b"}], "spec.kinds[0].plugins[0].env[1]"),
    ("/spec/kinds/0/plugins/-", {"name": "../x"}, "spec.kinds[0].plugins[1].name"),
    ("/spec/kinds/0/plugins/-", {"name": "failed-login"}, "spec.kinds[0].plugins[1]"),
    ("/spec/kinds/0/defaults", {"env": [{"name": "BLINK_PLUGIN", "value": "x"}]}, "spec.kinds[0].defaults.env"),
    ("/spec/kinds/-", {"name": "matcher"}, "spec.kinds[1].handshake"),
    ("/spec/kinds/-", {"name": "a", "adapter": "rule", "directory": "rule"}, "spec.kinds"),
    ("/spec/kinds/0/handshake/protocolVersions", [], "spec.kinds[0].handshake.protocolVersions"),
    ("/spec/defaults", {"health": {"periodSeconds": 0}}, "spec.defaults.health.periodSeconds"),
    ("/spec/defaults", {"env": [{"name": "BLINK_PLUGIN", "value": "x"}]}, "spec.defaults.env"),
    ("/spec/paused", "yes", "spec.paused"),
    ("/spec", {}, "spec.kinds"),
]


@pytest.fixture
def config(namespace: Namespace):
    kind = {"name": "rule", "handshake": HANDSHAKE, "plugins": [{"name": "failed-login", "enabled": True}]}
    return namespace.config("plugins", {"kinds": [kind]})


@pytest.mark.parametrize(("path", "value", "field"), EDITS)
def test_kubectl_patch_is_refused_and_told_the_field(path, value, field, config, namespace: Namespace):
    patch = json.dumps([{"op": "add", "path": path, "value": value}])
    done = namespace.kubectl("patch", "plc", "plugins", "--type=json", f"--patch={patch}", check=False)
    assert done.returncode == 1
    assert field in done.stderr
    assert namespace.cluster.api("GET", namespace.ours("pluginconfigs/plugins"))["spec"] == config["spec"]


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ("s/enabled: true/enabled: 'true'/", "spec.kinds[0].plugins[0].enabled"),
        ("s/enabled: true/workers: 0/", "spec.kinds[0].plugins[0].workers"),
        ("s/enabled: true/enabeld: true/", "spec.kinds[0].plugins[0].enabeld"),
        ("s/cookieKey: BLINK_PLUGIN/cookieKey: LD_PRELOAD/", "spec.kinds[0].handshake.cookieKey"),
        ("s/name: failed-login/name: a b/", "spec.kinds[0].plugins[0].name"),
    ],
)
def test_kubectl_edit_shows_the_field_in_the_editor_and_changes_nothing(edit, field, config, namespace, tmp_path):
    (tmp_path / "edit.sed").write_text(edit)
    editor = f"sed -i -f {tmp_path}/edit.sed"
    done = namespace.kubectl("edit", "plc", "plugins", check=False, EDITOR=editor, TMPDIR=str(tmp_path))
    assert done.returncode == 1
    assert "no valid changes were saved" in done.stderr
    shown = [line for kept in tmp_path.glob("kubectl-edit-*.yaml") for line in kept.read_text().splitlines()]
    assert any(field in line for line in shown if line.startswith("# *"))
    assert namespace.cluster.api("GET", namespace.ours("pluginconfigs/plugins"))["spec"] == config["spec"]


def test_kubectl_patch_only_warns_of_a_field_that_nobody_knows(config, namespace: Namespace):
    done = namespace.kubectl("patch", "plc", "plugins", "--type=merge", '--patch={"spec":{"shadow":true}}')
    assert 'Warning: unknown field "spec.shadow"' in done.stderr
    assert "shadow" not in namespace.cluster.api("GET", namespace.ours("pluginconfigs/plugins"))["spec"]


def test_two_field_managers_own_an_entry_each(config, namespace: Namespace):
    def entry(name, **fields):
        body = {
            "apiVersion": "pluginmgr.dev/v1alpha1",
            "kind": "PluginConfig",
            "metadata": {"name": "plugins"},
            "spec": {"kinds": [{"name": "rule", "plugins": [{"name": name, **fields}]}]},
        }
        namespace.kubectl("apply", "--server-side", f"--field-manager={name}", "--filename=-", stdin=yaml.dump(body))

    entry("first", enabled=False)
    entry("second", workers=2)
    entry("first", enabled=True)
    plugins = namespace.cluster.api("GET", namespace.ours("pluginconfigs/plugins"))["spec"]["kinds"][0]["plugins"]
    assert plugins == [
        {"name": "failed-login", "enabled": True},
        {"name": "first", "enabled": True},
        {"name": "second", "workers": 2},
    ]


# --- rules that came later


def test_what_was_stored_before_a_rule_was_tightened_is_refused_by_us(spare_plane: ControlPlane):
    spare_plane.start()
    kind = {"name": "rule", "plugins": [{"name": "a", "workers": 0}]}
    body = {
        "apiVersion": "pluginmgr.dev/v1alpha1",
        "kind": "PluginConfig",
        "metadata": {"name": "old"},
        "spec": {"kinds": [kind, {"name": "other", "adapter": "rule", "directory": "rule"}]},
    }
    probe = body | {"metadata": {"name": "probe"}}
    install(spare_plane.cluster, lax_crd(), probe, is_taken=True)
    path = "/apis/pluginmgr.dev/v1alpha1/namespaces/default/pluginconfigs"
    spare_plane.cluster.api("POST", path, body)
    install(spare_plane.cluster, crd(), probe, is_taken=False)

    with pytest.raises(DocumentError) as caught:
        from_object(spare_plane.cluster.api("GET", f"{path}/old"), source="o")
    assert {each.field for each in caught.value.findings} == {
        "spec.kinds[rule].handshake",
        "spec.kinds[rule].plugins[a].workers",
        "spec.kinds[other].directory",
    }

    # What an update does not touch, the API server does not judge again; what it does, it does.
    patched = spare_plane.cluster.api("PATCH", f"{path}/old", {"spec": {"paused": True}}, content_type=MERGE)
    assert patched["spec"]["kinds"][0]["plugins"][0]["workers"] == 0
    with pytest.raises(DocumentError):
        from_object(patched, source="o")
    kinds = [{**kind, "plugins": [{"name": "a", "workers": -1}]}]
    with pytest.raises(ApiError, match=r"plugins\[0\]\.workers"):
        spare_plane.cluster.api("PATCH", f"{path}/old", {"spec": {"kinds": kinds}}, content_type=MERGE)
