import json
import logging
import stat

import pytest

from controller.config import CurrentConfig, Hint, from_object, parse
from controller.core.events import ConfigMissing, ConfigRejected
from controller.core.model import Handshake, SecretUnavailable


@pytest.fixture
def keep(tmp_path):
    (tmp_path / "state").mkdir()
    return tmp_path / "state" / "config.yaml"


@pytest.fixture
def current(keep, tmp_path):
    """A function: a CurrentConfig, as a controller started now would make it, and the list of what it submits."""

    def make(**surroundings):
        events = []
        given = {"plugin_dir": "/plugins", "environ": {}, "secrets_dirs": [str(tmp_path)], "keep": keep} | surroundings
        return CurrentConfig(events.append, **given), events

    return make


def kinds_of(events):
    return [type(event).__name__ for event in events]


def test_a_config_is_told_once_until_it_means_something_else(current, document, rule):
    config, events = current()
    for workers in (1, 1, 2, 2):
        config.offer(document({"kinds": [rule(defaults={"workers": workers})]}))
    assert [event.config.kinds["rule"].default.workers for event in events] == [1, 2]


def test_a_file_counts_its_generations_as_the_api_server_does(current, document, rule):
    config, events = current()
    for workers in (1, 2, 2, 1):
        config.offer(document({"kinds": [rule(defaults={"workers": workers})]}))
    assert [event.config.generation for event in events] == [1, 2, 3]


def test_generations_go_on_after_a_restart(current, document, rule):
    spec = {"kinds": [rule()]}
    config, _ = current()
    config.offer(document({"kinds": []}))
    config.offer(document(spec))
    config.save()
    config, events = current()
    config.offer(document(spec))
    config.offer(document({**spec, "paused": True}))
    assert [event.config.generation for event in events] == [2, 3]


def test_what_is_kept_can_be_read_again_whatever_is_in_it(current, rule):
    text = '\U0001f600 \x7f \x85 \u2028 \\ud83d " \ufeff'
    obj = {
        "apiVersion": "pluginmgr.dev/v1alpha1",
        "kind": "PluginConfig",
        "metadata": {"name": "x", "generation": 3},
        "spec": {"kinds": [rule(defaults={"args": [text], "config": {text: [text, None, 1.5]}})]},
    }
    config, before = current()
    config.offer(from_object(obj, source="o"))
    config.save()
    config, after = current()
    config.fall_back()
    assert after == before


def test_an_objects_own_generation_is_told_even_if_nothing_else_changed(current, document):
    config, events = current()
    config.offer(document({"kinds": []}, generation=7))
    config.offer(document({"kinds": []}, generation=8))
    assert [event.config.generation for event in events] == [7, 8]


def test_an_error_is_told_once_and_again_after_a_good_config(current, document):
    config, events = current()
    good = document({"kinds": []})
    config.offer(good)
    config.reject("one")
    config.reject("one")
    config.reject("two")
    config.offer(good)
    config.reject("two")
    assert events == [events[0], ConfigRejected("one"), ConfigRejected("two"), events[0], ConfigRejected("two")]


def test_a_lost_config_is_told_once_and_its_return_too(current, document):
    config, events = current()
    config.offer(document({"kinds": []}))
    config.missing("gone")
    config.missing("gone")
    config.offer(document({"kinds": []}))
    assert kinds_of(events) == ["ConfigRead", "ConfigMissing", "ConfigRead"]


def test_a_document_whose_adapter_is_not_installed_is_rejected(current, document, rule):
    config, events = current()
    config.offer(document({"kinds": [rule(adapter="own")]}))
    assert events == [
        ConfigRejected("plugins.yaml: spec.kinds[rule].adapter: no adapter own is installed; there are: standard")
    ]
    assert config.last_good() is None


def test_secrets_are_read_again_and_told_if_they_changed(current, document, rule, tmp_path):
    config, events = current()
    config.refresh()
    config.offer(document({"kinds": [rule(defaults={"env": [{"name": "T", "fromFile": f"{tmp_path}/token"}]})]}))
    config.refresh()
    (tmp_path / "token").write_text("one")
    config.refresh()
    config.refresh()
    launches = [event.config.kinds["rule"].default.launch for event in events]
    assert isinstance(launches[0], SecretUnavailable)
    assert [launch.env for launch in launches[1:]] == [{"T": "one"}]


def test_a_changed_secret_does_not_hide_that_the_file_is_bad(current, document, rule, tmp_path):
    (tmp_path / "token").write_text("one")
    config, events = current()
    config.offer(document({"kinds": [rule(defaults={"env": [{"name": "T", "fromFile": f"{tmp_path}/token"}]})]}))
    config.reject("bad")
    (tmp_path / "token").write_text("two")
    config.refresh()
    assert kinds_of(events) == ["ConfigRead", "ConfigRejected", "ConfigRead", "ConfigRejected"]


def test_an_idle_refresh_resolves_nothing(current, document, rule, tmp_path, monkeypatch):
    (tmp_path / "token").write_text("one")
    config, _ = current()
    config.offer(document({"kinds": [rule(defaults={"env": [{"name": "T", "fromFile": f"{tmp_path}/token"}]})]}))
    monkeypatch.setattr(config, "_resolve", None)  # calling it would fail
    config.refresh()


def test_hints_are_asked_again_at_each_refresh(current, document, rule):
    hints = {}
    config, events = current(hints=lambda _: hints)
    config.offer(document({"kinds": [rule()]}))
    hints = {("rule", "a"): Hint({"enabled": False})}
    config.refresh()
    assert events[-1].config.kinds["rule"].plugins["a"].enabled is False


def test_hints_are_asked_for_the_kinds_of_the_document_that_is_on_offer(current, document, rule):
    config, events = current(
        hints=lambda places: {(each.kind, "a"): Hint({"enabled": False}) for each in places if each.adapter == "own"},
        adapters={"standard": None, "own": None},
    )
    config.offer(document({"kinds": [rule()]}))
    config.offer(document({"kinds": [rule(adapter="own")]}))
    assert [event.config.kinds["rule"].plugins.keys() for event in events] == [set(), {"a"}]


@pytest.mark.parametrize("event", [ConfigRejected("bad"), ConfigMissing("gone")])
def test_after_a_restart_the_last_good_config_stands_in_for_a_bad_or_lost_one(current, document, rule, event):
    config, (*_,) = current()
    config.offer(document({"kinds": [rule(defaults={"workers": 5})]}))
    config.save()
    config, events = current()
    (config.reject if isinstance(event, ConfigRejected) else config.missing)(event.message)
    assert kinds_of(events) == ["ConfigRead", type(event).__name__]
    assert events[0].config.kinds["rule"].default.workers == 5
    assert events[1] == event


def test_without_a_last_good_config_only_the_error_is_told(current):
    config, events = current()
    config.missing("gone")
    assert events == [ConfigMissing("gone")]


def test_a_last_good_config_whose_adapter_is_gone_is_not_used(current, document):
    config, _ = current(adapters={"own": Handshake("A", "b", (1,))})
    config.offer(document({"kinds": [{"name": "x", "adapter": "own"}]}))
    config.save()
    config, events = current()
    config.reject("bad")
    assert events == [ConfigRejected("bad")]


@pytest.mark.parametrize("content", [b"", b"{half", b"\xff", b"[]"])
def test_a_damaged_last_good_config_is_as_good_as_none(current, keep, content):
    keep.write_bytes(content)
    config, events = current()
    config.missing("gone")
    assert events == [ConfigMissing("gone")]


def test_what_is_kept_is_for_its_owner_alone_and_whole(current, document, keep):
    config, _ = current()
    config.offer(document({"kinds": []}))
    config.save()
    assert stat.S_IMODE(keep.stat().st_mode) == 0o600
    assert parse(keep.read_bytes(), source="keep", strict=True).generation == 1
    assert [path.name for path in keep.parent.iterdir()] == ["config.yaml"]


def test_nothing_is_written_again_that_is_kept_already(current, document, keep):
    config, _ = current()
    config.offer(document({"kinds": []}))
    config.save()
    before = keep.stat().st_ino
    config.save()
    assert keep.stat().st_ino == before


def test_a_rejected_config_is_not_kept(current, document, rule, keep):
    config, _ = current()
    config.save()
    config.offer(document({"kinds": [rule(adapter="own")]}))
    config.save()
    assert not keep.exists()


def test_a_state_directory_that_cannot_be_written_is_logged_and_survived(current, document, keep, caplog):
    keep.mkdir()  # nothing can be renamed over a directory
    config, events = current()
    config.offer(document({"kinds": []}))
    config.save()
    assert kinds_of(events) == ["ConfigRead"]
    assert "cannot keep the config for the next start" in caplog.messages
    assert list(keep.parent.iterdir()) == [keep]


def test_a_warning_is_logged_once_while_it_holds(current, rule, caplog):
    obj = {"apiVersion": "pluginmgr.dev/v1alpha1", "kind": "PluginConfig", "metadata": {"name": "x"}}
    config, _ = current()
    with caplog.at_level(logging.WARNING):
        for workers in (1, 2):
            spec = {"kinds": [rule(defaults={"workers": workers})], "new": 1}
            config.offer(parse(json.dumps(obj | {"spec": spec}), source="f"))
            assert caplog.messages == ["config warning"]


def test_no_log_tells_a_secret(current, document, rule, tmp_path, caplog):
    (tmp_path / "token").write_text("s3cret")
    config, _ = current()
    with caplog.at_level(logging.DEBUG):
        config.offer(document({"kinds": [rule(defaults={"env": [{"name": "T", "fromFile": f"{tmp_path}/token"}]})]}))
        config.save()
    assert caplog.records
    assert all("s3cret" not in str(record.__dict__) for record in caplog.records)


def test_where_nobody_says_what_the_config_is_the_kept_one_is_followed_and_told_once(current, document):
    config, _ = current()
    config.offer(document({"kinds": []}, uid="4711", generation=3))
    config.save()
    config, events = current()
    config.fall_back()
    config.fall_back()
    assert [(event.config.name, event.config.uid, event.config.generation) for event in events] == [
        ("detections", "4711", 3)
    ]


def test_an_object_made_again_under_the_same_name_is_another_config(current, document):
    config, events = current()
    for uid in ("4711", "4712"):
        config.offer(document({"kinds": []}, uid=uid, generation=1))
    assert [event.config.uid for event in events] == ["4711", "4712"]


def test_a_config_kept_of_another_name_is_not_gone_on_with(current, document, rule):
    config, _ = current()
    config.offer(document({"kinds": [rule()]}))
    config.save()
    name = config.last_good().name
    for wanted, kept in ((name, True), ("another", False)):
        config, events = current()
        config.forget_other(wanted)
        config.missing("gone")
        assert (kinds_of(events) == ["ConfigRead", "ConfigMissing"]) == kept
