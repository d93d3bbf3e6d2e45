"""Whatever a plugin prints, the object that says so can be read as JSON and as YAML."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from controller.kube.manifest import encoded

texts = st.text(st.characters(exclude_categories=())) | st.text(
    "\x00\x1b\x7f\x85\x9f\u2028\ufeff\ufffe\U0001f600: #{\"'\\-"
)


def without_surrogates(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in text)


@given(texts)
def test_both_readers_read_what_was_meant(text):
    body = encoded({"a": text, "b": [1, True, None]})
    wanted = {"a": without_surrogates(text), "b": [1, True, None]}
    assert json.loads(body) == wanted
    assert yaml.load(body, Loader=yaml.CSafeLoader) == wanted


@pytest.mark.parametrize("text", ["\U0001f600", "a\x85b", "\ufeff"])
def test_no_escape_is_half_a_character(text):
    assert b"\\ud" not in encoded({"a": text})
