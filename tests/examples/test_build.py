"""build.sh puts samples onto the volume as plugins must be put: by rename, and only what changed."""

from pathlib import Path

import pytest

from tests.examples.conftest import copy_examples, run_build

pytestmark = pytest.mark.go


def inodes(root: Path) -> dict[str, int]:
    return {f"{each.parent.name}/{each.name}": each.stat().st_ino for each in root.glob("build/plugins/*/*")}


def test_only_what_changed_is_replaced(tmp_path: Path):
    root = copy_examples(tmp_path)
    run_build(root)
    before = inodes(root)
    run_build(root)
    assert inodes(root) == before
    with (root / "examples/python/json_summary.py").open("a") as program:
        program.write("# another version\n")
    run_build(root)
    after = inodes(root)
    assert {name for name in after if after[name] != before.get(name)} == {"formatter/json-summary"}


def test_there_is_a_sample_of_each_kind_and_nothing_half_done(samples: Path):
    assert sorted(f"{each.parent.name}/{each.name}" for each in samples.glob("*/*")) == [
        "enrichment/country-risk",
        "enrichment/geoip",
        "formatter/json-summary",
        "matcher/prod-accounts",
        "rule/brute-force-login",
        "rule/brute-force-login.yaml",
        "rule/failed-login",
        "tuning_rule/noisy-hosts",
    ]
