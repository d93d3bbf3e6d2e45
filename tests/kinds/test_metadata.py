"""What a plugin says of itself is its attributes, and the scales are those of the protos."""

from enum import IntEnum

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message_factory import GetMessageClass

from controller.kinds import (
    Confidence,
    Enrichment,
    Formatter,
    Matcher,
    Plugin,
    Rule,
    Severity,
    TuningAction,
    TuningRule,
    UnfitError,
)
from controller.kinds.metadata import metadata_of
from controller.kinds.pb import common_pb2, tuning_rule_pb2

KINDS = (Rule, Matcher, Enrichment, Formatter, TuningRule)


class Full(Rule):
    name = "full"
    display_name = "Full rule"
    description = "Says all"
    version = "1.2.3"
    enabled = False
    severity = Severity.HIGH
    confidence = Confidence.VERY_LOW
    log_types = ("a", "b")
    matchers = ("m",)
    req_subkeys = ("user.name",)
    merge_by_keys = ("host",)
    merge_window_minutes = 5
    tags = ("t",)
    references = ("r",)
    formatters = ("f",)
    enrichments = ("e",)
    tuning_rules = ("u",)


def said(plugin: Plugin) -> dict[str, object]:
    return MessageToDict(metadata_of(plugin), preserving_proto_field_name=True)


def test_every_attribute_is_said() -> None:
    assert said(Full()) == {
        "identity": {
            "id": "full",
            "name": "full",
            "display_name": "Full rule",
            "description": "Says all",
            "version": "1.2.3",
        },
        "severity": "SEVERITY_HIGH",
        "confidence": "CONFIDENCE_VERY_LOW",
        "log_types": ["a", "b"],
        "matchers": ["m"],
        "req_subkeys": ["user.name"],
        "merge_by_keys": ["host"],
        "merge_window_minutes": 5,
        "tags": ["t"],
        "references": ["r"],
        "formatters": ["f"],
        "enrichments": ["e"],
        "tuning_rules": ["u"],
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_plugin_that_says_nothing_says_the_defaults(kind: type[Plugin]) -> None:
    assert said(kind()) == {"identity": {"enabled": True}}


def test_the_id_is_the_name_unless_it_is_given() -> None:
    class Named(Matcher):
        name = "a"

    assert metadata_of(Named()).identity.id == "a"
    Named.id = "b"
    assert metadata_of(Named()).identity.id == "b"


def test_what_python_has_no_word_for_is_called_otherwise() -> None:
    class Everywhere(Matcher):
        is_global = True

    class Tunes(TuningRule):
        is_global = True
        action = TuningAction.SET_CONFIDENCE
        confidence = Confidence.LOW

    assert said(Everywhere())["global"] is True
    assert {**said(Tunes()), "identity": 0} == {
        "identity": 0,
        "global": True,
        "action": "TUNING_ACTION_SET_CONFIDENCE",
        "confidence": "CONFIDENCE_LOW",
    }


@pytest.mark.parametrize(
    ("attribute", "value", "complaint"),
    [
        ("tags", "abc", "Full.tags = 'abc': a string where a tuple of them belongs"),
        ("tags", (1,), "Full.tags = (1,): "),
        ("severity", "high", "Full.severity = 'high': "),
        ("version", 1.0, "Full.version = 1.0: "),
        ("merge_window_minutes", -1, "Full.merge_window_minutes = -1: "),
    ],
)
def test_an_attribute_of_another_type_is_named(attribute: str, value: object, complaint: str) -> None:
    plugin = Full()
    setattr(plugin, attribute, value)
    with pytest.raises(UnfitError) as caught:
        metadata_of(plugin)
    assert str(caught.value).startswith(complaint)


@pytest.mark.parametrize("kind", KINDS)
def test_the_batch_call_of_each_kind_gives_items_with_errors(kind: type[Plugin]) -> None:
    (batch,) = (each for each in kind.kind.service.methods if each.name.endswith("Batch"))
    items = GetMessageClass(batch.output_type).DESCRIPTOR.fields_by_name["items"]
    assert items.message_type is not None
    assert items.message_type.fields_by_name["error"].message_type is common_pb2.ItemError.DESCRIPTOR
    assert callable(getattr(kind, kind.kind.hook))


@pytest.mark.parametrize(
    ("scale", "numbers", "prefix"),
    [
        (Severity, common_pb2.Severity, "SEVERITY_"),
        (Confidence, common_pb2.Confidence, "CONFIDENCE_"),
        (TuningAction, tuning_rule_pb2.TuningAction, "TUNING_ACTION_"),
    ],
)
def test_the_scales_are_those_of_the_protos(scale: type[IntEnum], numbers: object, prefix: str) -> None:
    assert {prefix + each.name: each.value for each in scale} == dict(numbers.items())  # type: ignore[attr-defined]


def test_a_number_of_a_later_version_counts_as_unspecified() -> None:
    assert (Severity(99), Confidence(99)) == (Severity.UNSPECIFIED, Confidence.UNSPECIFIED)
