"""The YAML beside a rule's binary: what is taken, what is refused and where it says the mistake is."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from controller.adapters.rule_sidecar import CONFIDENCES, DEFAULTS, FIELDS, NO_EFFECT, SEVERITIES, parse
from controller.manager.adapter import AdapterError

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = """\
id: 6f1f
name: brute-force-login
display_name: Brute force
description: Many failures from one source
enabled: true
version: 1.10
file_name: brute-force-login
checksum: 9f86d081
severity: high
confidence: medium
signal: false
signal_threshold: 0.5
log_types: [auth]
matchers: [prod-accounts]
req_subkeys: [source.address]
merge_by_keys: [source.address, user]
merge_window_mins: 60
tags: [T1110, 2024]
references: ["https://attack.mitre.org/techniques/T1110/"]
observables:
- {name: source.address, description: where from, aggregation: distinct}
dispatchers: [slack]
formatters: [json-summary]
enrichments: [geoip]
tuning_rules: [noisy-hosts]
kill_switch: false
mode: blue-green
min_procs: 1
max_procs: 4
"""


def test_every_field_of_the_predecessor_is_taken():
    fields = parse(EVERYTHING)
    written = yaml.safe_load(EVERYTHING)
    assert FIELDS.keys() - written.keys() == {"rollout_pct"}
    kept = {name: value for name, value in written.items() if name not in NO_EFFECT}
    assert fields == kept | {"version": "1.10", "tags": ["T1110", "2024"]}
    assert [re.match(r"line \d+: (\w+)", warning)[1] for warning in fields.warnings] == ["file_name", "checksum"]


def test_what_is_left_out_has_its_default_and_a_rule_is_off_unless_it_says_otherwise():
    assert parse("name: a") == {"name": "a"} | DEFAULTS
    assert parse("name: a\nenabled:\nrollout_pct: null") == {"name": "a"} | DEFAULTS
    assert DEFAULTS["enabled"] is False
    assert parse("name: a").warnings == ()


@pytest.mark.parametrize(("enabled", "killed", "runs"), [("true", "true", False), ("yes", "off", True)])
def test_a_kill_switch_turns_a_rule_off(enabled: str, killed: str, *, runs: bool):
    assert parse(f"name: a\nenabled: {enabled}\nkill_switch: {killed}\n")["enabled"] is runs


@pytest.mark.parametrize("version", ["1", "1.0", "1.10", "010", "0x1f", "2026-11-24", "1e3", "yes"])
def test_words_are_text_as_they_were_written_where_text_is_due(version: str):
    assert parse(f"name: a\nversion: {version}\n")["version"] == version


def test_anchors_and_merges_work_where_text_is_due_too():
    text = "name: a\nversion: 1.0\nobservables:\n- &o {name: x, aggregation: 1.0}\n- {<<: *o, name: 2.0}\n"
    assert parse(text)["observables"] == [{"name": "x", "aggregation": "1.0"}, {"name": "2.0", "aggregation": "1.0"}]


BAD = {
    "": "line 1: there is no document in the file",
    "- a": "line 1: must be a mapping (name: ...); it is a list",
    "enabled: true": "line 1: name: is missing",
    "name: ''": "line 1: name: must have at least 1 character(s)",
    "name: [a": "a ',' or the closing ']' is missing",
    "name: a\n\tid: b": "line 2: a",
    "name: a\nname: b": "line 2: name: is given twice",
    "name: a\n---\nname: b": "line 2: a second document begins here, and a file holds one",
    "name: a\nenabled: maybe": "line 2: enabled: must be true or false; it is 'maybe'",
    "name: a\nenabled: 1": "line 2: enabled: must be true or false; it is 1",
    "name: a\nlog_types: auth": "line 2: log_types: must be a list; it is 'auth'",
    "name: a\ntags:\n- a\n-": "line 4: tags[1]: must be text; it is empty",
    "name: a\nversion: {}": "line 2: version: must be text; it is a mapping",
    "name: a\nseverity: urgent": "line 2: severity: must be one of",
    "name: a\nconfidence: 5": "line 2: confidence: must be one of",
    "name: a\nmax_procs: 257": "line 2: max_procs: must be at most 256; it is 257",
    "name: a\nmax_procs: -1": "line 2: max_procs: must be at least 0; it is -1",
    "name: a\nmax_procs: '2'": "line 2: max_procs: must be a whole number; it is '2': without quotes?",
    "name: a\nobservables: [{description: x}]": "line 2: observables[0].name: is missing",
    "name: a\nmode: canary": "line 2: mode: this version has no canary and no shadow",
    "name: a\nmode: shadow": "line 2: mode: this version has no canary and no shadow",
    "name: a\nmode: recreate": "line 2: mode: must be blue-green; it is 'recreate'",
    "name: a\nrollout_pct: 0": "line 2: rollout_pct: this version has no canary and no shadow",
    "name: a\nsignal_threshold: .nan": "line 2: signal_threshold: .nan cannot be written in JSON",
    "name: &a [*a]": "line 1: no anchor &a ends before this alias of it",
}


@pytest.mark.parametrize("text", BAD)
def test_a_mistake_is_told_in_one_line_with_its_place(text: str):
    with pytest.raises(AdapterError) as caught:
        parse(text)
    message = str(caught.value)
    assert BAD[text] in message
    assert message.startswith("line ")
    assert "\n" not in message


@pytest.mark.parametrize("field", ["mode: canary", "mode: shadow", "rollout_pct: 10", "rollout_pct: 100"])
def test_the_fields_of_canary_and_shadow_are_refused(field: str):
    assert parse("name: a\nmode: blue-green")["mode"] == "blue-green"
    with pytest.raises(AdapterError, match="this version has no canary and no shadow"):
        parse(f"name: a\n{field}")


def test_all_mistakes_are_told_up_to_a_number_and_warnings_are_not_among_them():
    lines = ["name: a", "novel: 1", *(f"{name}: []" for name in ("enabled", "signal", "id", "mode", "max_procs"))]
    with pytest.raises(AdapterError) as caught:
        parse("\n".join([*lines, "min_procs: []"]))
    assert str(caught.value).count("line ") == 5
    assert str(caught.value).endswith("; and 1 more")
    assert "novel" not in str(caught.value)


def test_an_unknown_field_is_kept_and_warned_of():
    fields = parse("name: a\nenabeld: true\nowner: {team: blue}\nobservables: [{name: x, kind: ip}]\n")
    assert fields["owner"] == {"team": "blue"}
    assert fields["enabled"] is False
    assert fields.warnings == (
        "line 2: enabeld: no such field; is enabled meant?",
        "line 3: owner: no such field",
        "line 4: observables[x].kind: no such field",
    )


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
rules = st.fixed_dictionaries(
    {"name": words},
    optional={
        "id": words,
        "display_name": words,
        "version": words,
        "enabled": st.booleans(),
        "kill_switch": st.booleans(),
        "severity": st.sampled_from(SEVERITIES),
        "confidence": st.sampled_from(CONFIDENCES),
        "signal_threshold": st.integers(0, 9) | st.floats(0, 1),
        "tags": st.lists(words),
        "observables": st.lists(st.fixed_dictionaries({"name": words}, optional={"aggregation": words})),
        "max_procs": st.integers(0, 256),
    },
)


@given(rule=rules, as_json=st.booleans())
def test_whoever_writes_a_rule_as_yaml_reads_the_same_rule(rule: dict[str, Any], *, as_json: bool):
    text = (
        json.dumps(rule, ensure_ascii=False) if as_json else yaml.safe_dump(rule, allow_unicode=True, sort_keys=False)
    )
    runs = rule.get("enabled", False) and not rule.get("kill_switch", False)
    assert parse(text) == DEFAULTS | rule | {"enabled": runs}


@given(st.text(max_size=60) | st.from_regex(r"(name|id|tags|enabled|<<): *[&*!\[{-]?[a-z0-9]*\n?", fullmatch=True))
def test_whatever_the_text_is_it_is_read_or_refused_in_one_line(text: str):
    try:
        fields = parse(text)
    except AdapterError as error:
        assert "\n" not in str(error)  # noqa: PT017 - most texts are refused, and that is all there is to see
    else:
        assert json.loads(json.dumps(fields)) == fields


def test_the_page_explains_every_field():
    page = (ROOT / "docs" / "reference" / "rule-yaml.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == FIELDS.keys()
