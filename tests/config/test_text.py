import pytest

from controller.config import DocumentError, parse

HEAD = "apiVersion: pluginmgr.dev/v1alpha1\nkind: PluginConfig\nmetadata: {name: x}\nspec: {kinds: []}\n"


def refused(text):
    with pytest.raises(DocumentError) as caught:
        parse(text, source="plugins.yaml", strict=True)
    return [str(finding) for finding in caught.value.findings]


@pytest.mark.parametrize("text", [b"", b"   \n\n", b"---\n", b"\xef\xbb\xbf", b"null\n", b"# a comment\n---\n...\n"])
def test_an_empty_file_is_said_to_hold_no_document(text):
    assert refused(text) == ["plugins.yaml:1:1: there is no document in the file"]


def test_bytes_that_are_not_utf8_are_shown_where_they_stand():
    assert refused(HEAD.encode() + b"# caf\xe9\n") == ["plugins.yaml:5:6: not UTF-8: byte 0xe9"]


def test_a_byte_order_mark_is_no_part_of_the_text():
    assert parse(b"\xef\xbb\xbf" + HEAD.encode(), source="x").data["kind"] == "PluginConfig"


def test_windows_line_ends_count_as_one():
    assert refused(HEAD.replace("\n", "\r\n") + "nope: 1\r\n") == ["plugins.yaml:5:1: nope: no such field"]


def test_a_text_for_another_yaml_is_refused_as_the_api_server_does():
    assert refused("%YAML 1.2\n---\n" + HEAD)[0].startswith("plugins.yaml:1:1: Kubernetes reads YAML 1.1")
    assert parse("%YAML 1.1\n---\n" + HEAD, source="x").name == "x"


def test_json_is_taken_with_what_yaml_has_no_word_for():
    head = '{"apiVersion": "pluginmgr.dev/v1alpha1", "kind": "PluginConfig", "metadata": {"name": "x"},'
    config = '"spec": {"kinds": [], "defaults": {"config": {"a": "\\ud83d\\ude00\x7f", "b": 1.0}}}'
    document = parse(head + config + "}", source="x", strict=True)
    assert document.data["spec"]["defaults"]["config"] == {"a": "\U0001f600\x7f", "b": 1}
    assert refused(head + config + ', "x": 1}') == ["plugins.yaml:1:1: x: no such field"]


def test_json_with_a_mistake_gets_lines_like_any_yaml():
    head = '{"apiVersion": "pluginmgr.dev/v1alpha1", "kind": "PluginConfig",\n"metadata": {"name": "x"},\n'
    assert refused(head + '"spec": {"kinds": [],\n"kinds": []}}') == ["plugins.yaml:4:1: spec.kinds: is given twice"]
    assert refused(head + '"spec": {"kinds": [],\n"x": 1}}') == ["plugins.yaml:4:1: spec.x: no such field"]
    deep = '"spec": {"kinds": [], "defaults": {"config": {"a": ' + "[" * 500 + "]" * 500 + "}}}}"
    assert refused(head + deep) == ["plugins.yaml:3:112: nested deeper than 64 levels"]


def test_a_control_character_is_shown_where_it_stands():
    assert refused(HEAD + "# \x07\n") == ["plugins.yaml:5:3: the text has a control character in it"]


def test_a_huge_file_is_refused_before_it_is_parsed():
    assert refused(HEAD + "#" * 3 * 1024 * 1024) == ["plugins.yaml: larger than 3 MiB"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "&a ["])
@pytest.mark.parametrize("depth", [65, 500, 50_000])
def test_deep_nesting_is_refused_and_does_not_end_the_process(opening, depth):
    (finding,) = refused(opening * depth)
    assert "nested deeper than 64 levels" in finding


def test_many_aliases_of_a_small_thing_are_no_bomb():
    entries = "".join(f"  - {{name: plugin-{n}, config: *shared}}\n" for n in range(1000))
    text = HEAD.replace(
        "spec: {kinds: []}\n",
        "spec:\n  defaults: {config: &shared {a: 1, b: [1, 2]}}\n  kinds:\n  - name: rule\n"
        "    handshake: {cookieKey: A, cookieValue: b, protocolVersions: [1]}\n    plugins:\n"
        + entries.replace("  - ", "    - "),
    )
    assert len(parse(text, source="x").data["spec"]["kinds"][0]["plugins"]) == 1000


def test_a_name_that_would_command_a_terminal_is_not_printed_as_it_is():
    (finding,) = refused(HEAD + '"\\e[2J": 1\n')
    assert finding == r"plugins.yaml:5:1: '\x1b[2J': no such field"


def test_errors_come_in_the_order_of_lines():
    text = HEAD.replace(
        "spec: {kinds: []}", "spec: {zebra: 1, kinds: [{name: 1}, {}], paused: 3, paused: 4, aardvark: 1}"
    )
    columns = [int(line.split(":")[2]) for line in refused(text)]
    assert columns == sorted(columns)
    assert len(columns) == 8


def test_what_all_is_wrong_is_summed_up_in_a_line():
    with pytest.raises(DocumentError) as caught:
        parse(HEAD + "".join(f"x{n}: 1\n" for n in range(9)), source="f", strict=True)
    summary = caught.value.summary()
    assert "\n" not in summary
    assert summary.endswith("f:9:1: x4: no such field; and 4 more")


def test_anchors_stand_for_words_and_keys_too():
    text = HEAD.replace("spec: {kinds: []}", "x: {&key name: &value one, z: {*key : *value}}\nspec: {kinds: []}")
    assert parse(text, source="x").data["x"] == {"name": "one", "z": {"name": "one"}}


def test_a_text_in_many_scripts_keeps_its_columns():
    assert refused(HEAD.replace("kinds: []", "kinds: [], ä: ö, ü: ß")) == [
        r"plugins.yaml:4:19: spec.'\xe4': no such field",
        r"plugins.yaml:4:25: spec.'\xfc': no such field",
    ]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("*nothing ", "no anchor &nothing ends before this alias of it"),
        ("[1]", "a key must be a single word"),
        ("*list ", "spec.'[]': a key must be text, and [] is not: quote it"),
    ],
)
def test_a_key_that_is_no_word_is_refused(key, message):
    findings = refused(HEAD.replace("kinds: []", f"kinds: &list [], {key}: 1"))
    assert findings[0] == f"plugins.yaml:4:25: {message}"


def test_only_the_bare_word_merges():
    text = HEAD.replace("spec:", "x: [&merge '<<', {'<<': 1, *merge : 2}]\nspec:")
    assert refused(text) == ["plugins.yaml:4:1: x: no such field", "plugins.yaml:4:28: x[1].'<<': is given twice"]


def test_a_mapping_takes_from_what_it_merges_what_it_does_not_say():
    text = HEAD.replace("spec:", "x: [&a {k: 1, l: 1}, &b {l: 2, m: 2}, {m: 3, <<: [*a, *b]}]\nspec:")
    assert parse(text, source="x").data["x"][2] == {"k": 1, "l": 1, "m": 3}


def test_a_message_does_not_repeat_a_page_of_text():
    findings = refused(HEAD.replace("kinds: []", "kinds: [], paused: " + "9" * 5000 + ".5e999"))
    assert len(findings) == 2
    assert max(map(len, findings)) < 300
