"""The record of who was largest, and what a successor makes of it."""

from controller.app.post_mortem import PostMortem
from tests.core.world import World


def test_the_largest_plugin_is_named(tmp_path):
    world = World()
    world.up(workers=2)
    first, second = world.serving()
    PostMortem(tmp_path / "record").record(world.state, {first: 10 << 20, second: 300 << 20})
    plugin, text = PostMortem(tmp_path / "record").verdict()
    assert plugin == "rule/a"
    assert "the largest plugin was rule/a (300 MiB)" in text


def test_a_clean_end_leaves_no_verdict(tmp_path):
    record = PostMortem(tmp_path / "record")
    record.record(World().state, {})
    assert "no plugin was running" in record.verdict()[1]
    record.close()
    assert record.verdict() is None


def test_a_broken_record_is_no_verdict(tmp_path):
    for content in ("", "{}", '{"at": 1}', '{"at": "x", "largest": []}', '{"at": 1, "largest": [{}]}', "[]"):
        (tmp_path / "record").write_text(content, encoding="utf-8")
        assert PostMortem(tmp_path / "record").verdict() is None


def test_a_disk_that_refuses_costs_the_record_only(tmp_path):
    PostMortem(tmp_path / "no" / "record").record(World().state, {})
