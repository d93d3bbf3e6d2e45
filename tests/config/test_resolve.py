import json
from copy import deepcopy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.config import DocumentError, Hint, Place, parse, places, resolve
from controller.core.model import (
    Handshake,
    Health,
    Launch,
    Limits,
    PluginSpec,
    Problem,
    SecretUnavailable,
    StopTimes,
    YamlRejected,
)
from controller.core.reasons import Reason
from controller.errors import PluginmgrError

PIN = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def test_a_plugin_without_any_field_gets_our_defaults(resolved, rule):
    kind = resolved({"kinds": [rule(plugins=[{"name": "a"}])]}).kinds["rule"]
    launch = kind.default.launch
    assert kind.plugins["a"] == kind.default == PluginSpec(launch)
    handshake = Handshake("BLINK_PLUGIN", "rule_v1", (1,))
    assert launch == Launch(launch.id, "standard", (), {}, "", handshake, Limits())


def test_the_nearest_layer_wins_leaf_by_leaf(resolved, rule):
    fields = {"workers": 9, "required": True, "health": {"timeoutSeconds": 9, "failureThreshold": 9}}
    hints = {("rule", "a"): Hint(fields)}
    config = resolved(
        {
            "defaults": {"workers": 4, "health": {"timeoutSeconds": 4, "periodSeconds": 4}, "args": ["spec", "all"]},
            "kinds": [
                rule(
                    defaults={"workers": 3, "health": {"periodSeconds": 3}, "args": ["kind"]},
                    plugins=[{"name": "a", "workers": 2}],
                )
            ],
        },
        hints=hints,
    )
    plugin = config.kinds["rule"].plugins["a"]
    assert (plugin.workers, plugin.required, plugin.launch.args) == (2, True, ("kind",))
    assert plugin.health == Health(period=3.0, timeout=4.0, failure_threshold=9)
    assert config.kinds["rule"].default.health == Health(period=3.0, timeout=4.0)


def test_a_plugin_that_only_its_adapter_knows_is_named_too(resolved, rule):
    config = resolved(
        {"kinds": [rule()]}, hints={("rule", "a"): Hint({"enabled": False}), ("other", "b"): Hint({"enabled": False})}
    )
    assert {name: plugin.enabled for name, plugin in config.kinds["rule"].plugins.items()} == {"a": False}


def test_it_is_known_which_plugins_the_document_itself_names(resolved, rule):
    hints = {("rule", name): Hint({"workers": 2}) for name in ("a", "b")}
    kind = resolved({"kinds": [rule(plugins=[{"name": "a"}, {"name": "c"}])]}, hints=hints).kinds["rule"]
    assert kind.plugins.keys() == {"a", "b", "c"}
    assert kind.hinted == {"b"}


def test_metadata_makes_another_version_and_is_nothing_that_a_document_can_say(resolved, rule, dumped):
    def launch(metadata, **fields):
        hints = {("rule", "a"): Hint({"enabled": True}, metadata)}
        return resolved({"kinds": [rule(**fields)]}, hints=hints).kinds["rule"].plugins["a"].launch

    plain = resolved({"kinds": [rule()]}).kinds["rule"].default.launch
    assert launch("") == plain
    assert launch('{"id":"one"}').metadata == '{"id":"one"}'
    assert len({plain.id, launch('{"id":"one"}').id, launch('{"id":"two"}').id}) == 3
    assert launch('{"id":"one"}', plugins=[{"name": "a", "workers": 5}]) == launch('{"id":"one"}')
    text = dumped({"kinds": [rule(defaults={"metadata": "own"}, plugins=[{"name": "a", "metadata": "own"}])]})
    document = parse(text, source="plugins.yaml")
    assert len(document.warnings) == 2
    kind = resolve(document, plugin_dir="/plugins", environ={}, secrets_dirs=()).kinds["rule"]
    assert kind.plugins["a"].launch == plain


def test_what_is_wrong_with_a_yaml_is_told_and_without_a_good_one_nothing_is_launched(resolved, rule):
    problem = Problem(Reason.YAML_REJECTED, "line 1")
    hints = {("rule", "a"): Hint({"workers": 2}, '{"id":"one"}', problem), ("rule", "b"): Hint(refused="line 2")}
    entries = [{"name": "b", "enabled": True, "args": ["-v"]}]
    plugins = resolved({"kinds": [rule(plugins=entries)]}, hints=hints).kinds["rule"].plugins
    assert (plugins["a"].problem, plugins["a"].workers) == (problem, 2)
    assert plugins["b"].launch == YamlRejected("line 2")


def test_the_places_of_kinds_are_absolute_and_say_their_adapters(document, rule):
    spec = {"kinds": [rule(directory="rules"), {"name": "matcher", "adapter": "matcher"}]}
    assert places(document(spec), "/plugins") == [
        Place("rule", "/plugins/rules", "standard"),
        Place("matcher", "/plugins/matcher", "matcher"),
    ]


def test_an_adapter_that_cannot_be_used_spoils_only_what_needs_its_handshake(resolved, rule):
    class Broken(dict):
        def __getitem__(self, name):
            if name == "broken":
                raise PluginmgrError("no module named x")
            return super().__getitem__(name)

    adapters = Broken(standard=None, broken=None)
    assert resolved({"kinds": [rule(), rule(name="own", adapter="broken")]}, adapters=adapters)
    with pytest.raises(DocumentError, match=r"spec\.kinds\[x\]\.adapter: .* no module named x"):
        resolved({"kinds": [rule(), {"name": "x", "adapter": "broken"}]}, adapters=adapters)


def test_objects_in_the_plugins_own_config_are_merged_and_lists_are_not(resolved, rule):
    kind = rule(
        defaults={"config": {"deep": {"a": 1, "b": 2}, "list": [1, 2]}},
        plugins=[{"name": "a", "config": {"deep": {"b": None}, "list": [3]}}],
    )
    launch = resolved({"kinds": [kind]}).kinds["rule"].plugins["a"].launch
    assert json.loads(launch.config) == {"deep": {"a": 1, "b": None}, "list": [3]}


def test_every_field_reaches_the_core(resolved, rule):
    entry = {
        "name": "a",
        "enabled": False,
        "workers": 3,
        "required": True,
        "sha256": [PIN],
        "restartedAt": "2026-11-24T12:00:00Z",
        "args": ["-v"],
        "env": [{"name": "X", "value": "1"}, {"name": "R", "fromEnv": "REGION"}],
        "config": {"b": 1, "a": 2},
        "startTimeoutSeconds": 11,
        "health": {"periodSeconds": 12, "timeoutSeconds": 13, "failureThreshold": 14},
        "restart": {"initialDelayMilliseconds": 1500, "maxDelaySeconds": 16, "calmSeconds": 17},
        "stop": {"shutdownSeconds": 0, "killSeconds": 19},
        "update": {"drainSeconds": 20, "minReadySeconds": 21, "probationSeconds": 22},
        "limits": {"memory": "256Mi", "openFiles": 1024, "fileSize": 4096},
        "logs": {"statusLines": 23, "rateLinesPerSecond": 24},
    }
    config = resolved({"paused": True, "kinds": [rule(plugins=[entry])]}, environ={"REGION": "eu"})
    plugin = config.kinds["rule"].plugins["a"]
    assert config.paused
    assert plugin.launch == Launch(
        plugin.launch.id,
        "standard",
        ("-v",),
        {"X": "1", "R": "eu"},
        '{"a":2,"b":1}',
        Handshake("BLINK_PLUGIN", "rule_v1", (1,)),
        Limits(256 * 1024**2, 1024, 4096),
        "2026-11-24T12:00:00Z",
        sources={"R": "fromEnv REGION"},
    )
    assert (plugin.enabled, plugin.workers, plugin.required, plugin.pins) == (False, 3, True, frozenset({PIN}))
    assert plugin.start_timeout == 11.0
    assert (plugin.health.period, plugin.health.timeout, plugin.health.failure_threshold) == (12.0, 13.0, 14)
    assert (plugin.restart.initial_delay, plugin.restart.max_delay, plugin.restart.calm) == (1.5, 16.0, 17.0)
    assert plugin.stop == StopTimes(0.0, 19.0)
    assert (plugin.update.drain, plugin.update.min_ready, plugin.update.probation) == (20.0, 21.0, 22.0)
    assert (plugin.logs.status_lines, plugin.logs.rate) == (23, 24)


@pytest.mark.parametrize(
    ("directory", "path"),
    [
        (None, "/plugins/rule"),
        ("rules", "/plugins/rules"),
        ("a/b", "/plugins/a/b"),
        (".", "/plugins"),
        ("./a", None),
        ("a/", None),
        ("./.", None),
    ],
)
def test_a_kinds_directory_is_a_path_in_one_spelling(resolved, rule, directory, path):
    spec = {"kinds": [rule(**({"directory": directory} if directory else {}))]}
    if path is None:
        with pytest.raises(DocumentError):
            resolved(spec)
    else:
        assert resolved(spec).kinds["rule"].directory == path


def test_a_relative_plugin_directory_is_made_absolute(resolved, rule, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolved({"kinds": [rule()]}, plugin_dir="plugins").kinds["rule"].directory == f"{tmp_path}/plugins/rule"


def test_an_adapter_that_is_not_installed_is_named_with_those_that_are(resolved, rule):
    with pytest.raises(
        DocumentError, match=r"spec.kinds\[rule\].adapter: no adapter rules is installed; there are: std"
    ):
        resolved({"kinds": [rule(adapter="rules")]}, adapters={"std": None})


def test_an_adapter_may_bring_the_handshake_and_the_kind_may_overrule_it(resolved, rule):
    brought = Handshake("KEY", "value", (4, 5))
    kinds = [{"name": "bare", "adapter": "own"}, rule(adapter="own")]
    config = resolved({"kinds": kinds}, adapters={"own": brought})
    assert config.kinds["bare"].default.launch.handshake == brought
    assert config.kinds["rule"].default.launch.handshake.cookie_key == "BLINK_PLUGIN"


def test_a_handshake_that_nobody_brings_is_missed(resolved):
    with pytest.raises(DocumentError, match="handshake: is missing, and the adapter own brings none"):
        resolved({"kinds": [{"name": "bare", "adapter": "own"}]}, adapters={"own": None})


def test_a_secret_that_cannot_be_read_concerns_its_plugin_alone(resolved, rule, tmp_path):
    (tmp_path / "token").write_text("s3cret\n")
    kind = rule(
        plugins=[
            {"name": "a", "env": [{"name": "TOKEN", "fromFile": f"{tmp_path}/gone"}]},
            {"name": "b", "env": [{"name": "TOKEN", "fromFile": f"{tmp_path}/token"}]},
            {"name": "c", "env": [{"name": "ZONE", "fromEnv": "ZONE"}]},
        ]
    )
    plugins = resolved({"kinds": [kind]}, secrets_dirs=[str(tmp_path)]).kinds["rule"].plugins
    assert plugins["a"].launch == SecretUnavailable(f"env TOKEN: {tmp_path}/gone: No such file or directory")
    assert plugins["b"].launch.env == {"TOKEN": "s3cret"}
    assert plugins["c"].launch == SecretUnavailable("env ZONE: the controller's environment has no ZONE")


def test_contents_of_a_secret_are_part_of_the_launch(document, rule, tmp_path):
    token = tmp_path / "token"
    made = document({"kinds": [rule(defaults={"env": [{"name": "TOKEN", "fromFile": str(token)}]})]})

    def launch_id():
        config = resolve(made, plugin_dir="/p", environ={}, secrets_dirs=[str(tmp_path)])
        return config.kinds["rule"].default.launch.id

    token.write_text("one")
    first = launch_id()
    token.write_text("two")
    assert launch_id() != first
    token.write_text("one")
    assert launch_id() == first


# --- the launch id ---------------------------------------------------------------------------------------------------

words = st.text("abc", min_size=1, max_size=3)
launch_fields = st.fixed_dictionaries(
    {},
    optional={
        "args": st.lists(words, min_size=1, max_size=3),
        "env": st.lists(
            st.builds(lambda name, value: {"name": name, "value": value}, words, words),
            unique_by=lambda variable: variable["name"],
            min_size=1,
            max_size=3,
        ),
        "config": st.dictionaries(words, st.integers(0, 3), max_size=3),
        "restartedAt": st.integers(10, 59).map(lambda second: f"2026-11-24T12:00:{second}Z"),
        "limits": st.fixed_dictionaries(
            {}, optional={name: st.integers(16, 20) for name in ("memory", "openFiles", "fileSize")}
        ).filter(bool),
    },
)
other_fields = st.fixed_dictionaries(
    {},
    optional={
        "enabled": st.booleans(),
        "workers": st.integers(1, 4),
        "required": st.booleans(),
        "sha256": st.just([PIN]),
        "startTimeoutSeconds": st.integers(1, 20),
        "health": st.just({"periodSeconds": 3}),
        "restart": st.just({"calmSeconds": 3}),
        "stop": st.just({"killSeconds": 3}),
        "update": st.just({"drainSeconds": 3}),
        "logs": st.just({"statusLines": 3}),
    },
)
kept_fixtures = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def meaning(fields):
    """What the launch fields mean, however they are written."""
    env = {variable["name"]: variable["value"] for variable in fields.get("env", ())}
    limits = sorted(fields.get("limits", {}).items())
    config = sorted(fields["config"].items()) if "config" in fields else None
    return fields.get("args", []), sorted(env.items()), config, fields.get("restartedAt"), limits


@kept_fixtures
@given(one=launch_fields, two=launch_fields, aside=other_fields)
def test_the_launch_id_differs_exactly_when_a_launch_field_does(resolved, rule, one, two, aside):
    kind = rule(plugins=[{"name": "a", **one}, {"name": "b", **two, **aside}])
    plugins = resolved({"kinds": [kind]}).kinds["rule"].plugins
    assert (plugins["a"].launch.id == plugins["b"].launch.id) == (meaning(one) == meaning(two))
    assert (plugins["a"].launch == plugins["b"].launch) == (meaning(one) == meaning(two))


@kept_fixtures
@given(fields=launch_fields, aside=other_fields)
def test_the_same_document_resolves_to_the_same_config(resolved, rule, fields, aside):
    entry = {"name": "a", **fields, **aside}
    backwards = {name: entry[name] for name in reversed(entry)}
    first = resolved({"kinds": [rule(plugins=[entry])]})
    assert resolved({"kinds": [rule(plugins=[backwards])]}) == first


@kept_fixtures
@given(fields=launch_fields, aside=other_fields)
def test_it_does_not_matter_in_which_layer_a_field_stands(resolved, rule, fields, aside):
    entry = {**fields, **aside}
    in_entry = resolved({"kinds": [rule(plugins=[{"name": "a", **entry}])]}).kinds["rule"].plugins["a"]
    in_kind = resolved({"kinds": [rule(defaults=entry, plugins=[{"name": "a"}])]}).kinds["rule"].plugins["a"]
    in_spec = resolved({"defaults": entry, "kinds": [rule()]}).kinds["rule"].default
    hinted = resolved({"kinds": [rule()]}, hints={("rule", "a"): Hint(deepcopy(entry))}).kinds["rule"].plugins["a"]
    assert in_entry == in_kind == in_spec == hinted


def test_the_handshake_and_the_adapter_are_part_of_the_launch(resolved, rule):
    handshakes = [
        {"cookieKey": "A", "cookieValue": "b", "protocolVersions": [1]},
        {"cookieKey": "B", "cookieValue": "b", "protocolVersions": [1]},
        {"cookieKey": "A", "cookieValue": "c", "protocolVersions": [1]},
        {"cookieKey": "A", "cookieValue": "b", "protocolVersions": [1, 2]},
    ]
    adapters = {"standard": None, "own": None}
    ids = {
        resolved({"kinds": [rule(handshake=handshake, adapter=adapter)]}, adapters=adapters)
        .kinds["rule"]
        .default.launch.id
        for handshake in handshakes
        for adapter in adapters
    }
    assert len(ids) == 8


def test_the_order_of_protocol_versions_means_nothing(resolved, rule):
    def launch(*versions):
        handshake = {"cookieKey": "A", "cookieValue": "b", "protocolVersions": list(versions)}
        return resolved({"kinds": [rule(handshake=handshake)]}).kinds["rule"].default.launch

    assert launch(2, 1) == launch(1, 2)
