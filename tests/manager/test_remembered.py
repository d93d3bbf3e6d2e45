"""Holds and last good versions survive a restart of the controller; secrets never reach the disk."""

import logging
from dataclasses import replace

from controller.core.memory import initial
from controller.core.model import (
    Binary,
    Handshake,
    Launch,
    LaunchId,
    Limits,
    Off,
    Plugin,
    PluginKey,
    PluginSpec,
    Policy,
    Remembered,
    Target,
)
from controller.core.reasons import Reason
from controller.manager.remembered import Remembering
from tests.core.world import digest, version

KEY = PluginKey("rule/a")


def remembered(tmp_path, **env):
    program = tmp_path / "program"
    program.touch()
    secret = tmp_path / "secrets" / "token"
    secret.parent.mkdir(exist_ok=True)
    secret.write_text("s3cret", encoding="utf-8")
    launch = Launch(
        LaunchId("launch"),
        "standard",
        ("--flag",),
        {"PLAIN": "open", "TOKEN": "s3cret", **env},
        '{"a":1}',
        Handshake("KEY", "value", (1, 2)),
        Limits(memory=1, open_files=None, file_size=3),
        "now",
        '{"id":"from the YAML"}',
        {"TOKEN": f"fromFile {secret}"},
    )
    binary = Binary("a", digest("one"), "/volume/a", str(program))
    return Remembered(version("two"), Target(version("one"), binary, launch)), secret


def at(tmp_path):
    return Remembering(tmp_path / "memory.json", {}, [tmp_path / "secrets"])


def test_what_was_kept_comes_back_whole(tmp_path):
    value, _ = remembered(tmp_path)
    at(tmp_path).keep(initial(Policy(), {KEY: value}), ())
    assert at(tmp_path).initial_state().memory == {KEY: value}


def test_a_secret_is_not_written_down_and_read_again(tmp_path):
    value, secret = remembered(tmp_path)
    at(tmp_path).keep(initial(Policy(), {KEY: value}), ())
    assert "s3cret" not in (tmp_path / "memory.json").read_text(encoding="utf-8")
    secret.write_text("another", encoding="utf-8")
    good = at(tmp_path).initial_state().memory[KEY].last_good
    assert good.launch.env == {"PLAIN": "open", "TOKEN": "another"}


def test_a_last_good_version_whose_secret_is_gone_is_forgotten_and_the_hold_stays(tmp_path, caplog):
    value, secret = remembered(tmp_path)
    at(tmp_path).keep(initial(Policy(), {KEY: value}), ())
    secret.unlink()
    with caplog.at_level(logging.WARNING):
        kept = at(tmp_path).initial_state().memory[KEY]
    assert kept == Remembered(value.held, None)
    assert "the last good version is forgotten" in caplog.text


def test_a_last_good_version_whose_binary_is_gone_is_forgotten(tmp_path):
    value, _ = remembered(tmp_path)
    at(tmp_path).keep(initial(Policy(), {KEY: value}), ())
    (tmp_path / "program").unlink()
    assert at(tmp_path).initial_state().memory[KEY].last_good is None


def test_a_file_that_cannot_be_read_is_no_reason_not_to_start(tmp_path, caplog):
    assert at(tmp_path).initial_state().memory == {}
    for content in ("not json", "[]", '{"rule/a": {}}', '{"rule/a": {"held": {"nonsense": 1}, "lastGood": null}}'):
        (tmp_path / "memory.json").write_text(content, encoding="utf-8")
        with caplog.at_level(logging.WARNING):
            assert at(tmp_path).initial_state().memory == {}
        assert "cannot read held and last good versions" in caplog.text


def test_what_a_step_changed_is_kept_and_what_it_did_not_touch_is_not_looked_at(tmp_path):
    value, _ = remembered(tmp_path)
    remembering = at(tmp_path)
    before = initial(Policy(), {})
    remembering.keep(before, ())
    plugin = Plugin(
        KEY, "rule", "a", PluginSpec(value.last_good.launch), Off(Reason.DISABLED), last_good=value.last_good
    )
    after = replace(before, plugins=before.plugins.put(KEY, plugin))
    remembering.keep(after, ())
    assert at(tmp_path).initial_state().memory == {}
    remembering.keep(after, [KEY])
    assert at(tmp_path).initial_state().memory == {KEY: replace(value, held=None)}


def test_a_disk_that_refuses_costs_the_record_only(tmp_path, caplog):
    value, _ = remembered(tmp_path)
    missing = Remembering(tmp_path / "no" / "memory.json", {}, [])
    with caplog.at_level(logging.WARNING):
        missing.keep(initial(Policy(), {KEY: value}), ())
        missing.keep(initial(Policy(), {KEY: value}), ())
    assert len(caplog.records) == 1, "told once"
    assert "cannot remember held and last good versions" in caplog.text
    (tmp_path / "no").mkdir()
    missing.keep(initial(Policy(), {KEY: value}), ())
    assert (tmp_path / "no" / "memory.json").exists(), "tried again"
