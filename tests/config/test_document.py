import pytest

from controller.config import DocumentError, from_object, parse


def test_a_running_controller_only_warns_of_a_field_it_does_not_know(rule):
    obj = {
        "apiVersion": "pluginmgr.dev/v1alpha1",
        "kind": "PluginConfig",
        "metadata": {"name": "x", "generation": 4},
        "spec": {"kinds": [rule(plugins=[{"name": "a", "canary": 5}])], "shadow": True},
    }
    document = from_object(obj, source="pluginconfig default/x")
    assert document.generation == 4
    assert sorted(map(str, document.warnings)) == [
        "pluginconfig default/x: spec.kinds[rule].plugins[a].canary: no such field",
        "pluginconfig default/x: spec.shadow: no such field",
    ]


def test_an_unknown_field_beside_a_real_error_is_a_warning_no_more():
    text = (
        "apiVersion: pluginmgr.dev/v1alpha1\nkind: PluginConfig\nmetadata: {name: x}\nspec:\n  new: 1\n  paused: 2\n"
        "  kinds: []\n"
    )
    with pytest.raises(DocumentError) as caught:
        parse(text, source="f")
    assert [finding.field for finding in caught.value.findings] == ["spec.paused"]


def test_a_field_reserved_for_later_is_an_error_to_a_running_controller_too(rule):
    obj = {
        "apiVersion": "pluginmgr.dev/v1alpha1",
        "kind": "PluginConfig",
        "metadata": {"name": "x"},
        "spec": {"kinds": [rule(multiplex=False, plugins=[{"name": "a", "autoMTLS": True}])]},
    }
    with pytest.raises(DocumentError, match="autoMTLS: not available yet; leave it out"):
        from_object(obj, source="x")


def test_the_status_of_an_object_is_not_judged_nor_kept():
    obj = {
        "apiVersion": "pluginmgr.dev/v1alpha1",
        "kind": "PluginConfig",
        "metadata": {"name": "x"},
        "spec": {"kinds": []},
        "status": {"ready": 7},
    }
    assert "status" not in from_object(obj, source="x", strict=True).data


def test_an_object_of_the_cluster_is_refused_by_field_without_a_line():
    with pytest.raises(DocumentError) as caught:
        from_object(
            {"apiVersion": "pluginmgr.dev/v1alpha1", "kind": "PluginConfig", "metadata": {"name": "x"}}, source="o"
        )
    assert list(map(str, caught.value.findings)) == ["o: spec: is missing"]


@pytest.mark.parametrize(
    "spec", [None, [], "x", {"kinds": {}}, {"kinds": [None, 3, []]}, {"kinds": [{"plugins": [[]]}]}]
)
def test_a_wrong_shape_is_refused_whatever_it_is(spec):
    obj = {"apiVersion": "pluginmgr.dev/v1alpha1", "kind": "PluginConfig", "metadata": {"name": "x"}, "spec": spec}
    with pytest.raises(DocumentError):
        from_object(obj, source="x")


def test_a_null_in_the_plugins_own_config_is_a_value(document, rule):
    spec = document({"paused": None, "kinds": [rule(defaults={"config": {"a": None}})]}).data["spec"]
    assert "paused" not in spec
    assert spec["kinds"][0]["defaults"]["config"] == {"a": None}


@pytest.mark.parametrize("depth", [64, 500, 100_000])
def test_an_object_nested_too_deep_is_refused_and_does_not_end_the_process(depth, rule):
    nested = {}
    for _ in range(depth):
        nested = {"a": [nested]}
    obj = {
        "apiVersion": "pluginmgr.dev/v1alpha1",
        "kind": "PluginConfig",
        "metadata": {"name": "x"},
        "spec": {"kinds": [rule(plugins=[{"name": "a", "config": nested}])]},
    }
    with pytest.raises(DocumentError) as caught:
        from_object(obj, source="o")
    assert list(map(str, caught.value.findings)) == [
        "o: spec.kinds[rule].plugins[a].config: nested deeper than 64 levels"
    ]


def test_who_said_what_of_an_object_is_not_kept():
    fields = {}
    for _ in range(100):
        fields = {"f:a": fields}
    obj = {
        "apiVersion": "pluginmgr.dev/v1alpha1",
        "kind": "PluginConfig",
        "metadata": {"name": "x", "managedFields": [{"fieldsV1": fields}]},
        "spec": {"kinds": []},
    }
    assert from_object(obj, source="x", strict=True).data["metadata"] == {"name": "x"}
