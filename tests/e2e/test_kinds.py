"""Plugins of the bundled kinds under a whole controller: what is wrong with one is said, and disturbs nobody."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest

from controller.kinds.pb import common_pb2, rule_pb2
from controller.kinds.pb.rule_pb2_grpc import RuleStub
from tests.e2e.rig import Rig
from tests.plugins import of_kinds

KINDS = ("rule", "matcher", "enrichment", "formatter", "tuning_rule")


def configure(controller: Rig, **plugins: Mapping[str, Any]) -> None:
    """Five kinds that say nothing but their adapter; plugins by name, each with its `kind`."""
    kinds: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for name, fields in plugins.items():
        rest = {field: value for field, value in fields.items() if field != "kind"}
        kinds[fields["kind"]].append({"name": name, **rest})
    controller.write_config(
        {"kinds": [{"name": kind, "adapter": kind, "plugins": entries} for kind, entries in kinds.items()]}
    )


def install(controller: Rig, kind: str, program: str, name: str) -> Path:
    return of_kinds.install(program, controller.plugins / kind, name)


def begin(controller: Rig, **plugins: Mapping[str, Any]) -> None:
    """A controller with a good rule as the bystander, which serves."""
    for kind in KINDS:
        (controller.plugins / kind).mkdir()
    install(controller, "rule", "good_rule", "bystander")
    configure(controller, **plugins)
    controller.start()
    controller.until_served("rule/bystander")


def assert_undisturbed(controller: Rig) -> None:
    entry = controller.plugin("rule/bystander")
    assert (entry["state"], entry["restarts"], len(entry["processes"])) == ("Serving", 0, 1)


def evaluate(controller: Rig, name: str, *events: str) -> list[rule_pb2.Evaluation]:
    """Call the plugin's one worker as a host does."""
    (worker,) = controller.plugin(f"rule/{name}")["processes"]
    (path,) = (controller.run / worker["worker"]).iterdir()
    with grpc.insecure_channel(f"unix:{path}") as channel:
        request = rule_pb2.EvaluateBatchRequest(events=[common_pb2.Event(json=each) for each in events])
        return list(RuleStub(channel).EvaluateBatch(request, timeout=10).items)


def test_a_rule_says_who_it_is_and_gets_its_config(controller: Rig):
    begin(controller, bystander={"kind": "rule", "config": {"limit": 7}})
    entry = controller.plugin("rule/bystander")
    assert (entry["id"], entry["displayName"]) == ("good-rule", "Good rule")
    (found,) = evaluate(controller, "bystander", '{"user": {"name": "ann"}, "outcome": "failure"}')
    assert (found.title, found.context_json) == ("ann failed", '{"limit": 7}')


def test_a_bad_item_is_that_items_error_and_the_plugin_serves_on(controller: Rig):
    begin(controller)
    install(controller, "rule", "one_bad_item", "animal")
    controller.until_served("rule/animal")
    items = evaluate(controller, "animal", '{"gives": true}', "{}", "[]", '{"gives": 5}', '{"gives": false}')
    assert [(each.matched, each.error.message) for each in items] == [
        (True, ""),
        (False, "KeyError: 'gives' (animal:14)"),
        (False, "the event is no JSON object"),
        (False, "evaluate() gave int, not RuleMatch, bool or None"),
        (False, ""),
    ]
    entry = controller.plugin("rule/animal")
    assert (entry["state"], entry["restarts"]) == ("Serving", 0)
    assert_undisturbed(controller)


UNSEEN = b"\x0a\x04\x0a\x02a\x07"
NAMELESS = b"\x0a\x03\x0a\x01x"


@pytest.mark.parametrize(
    ("program", "kind", "fields", "said"),
    [
        ("hangs_in_init", "matcher", {"startTimeoutSeconds": 1}, "the plugin did not answer its handshake within 1 s"),
        ("fails_in_init", "formatter", {}, "Init: FAILED_PRECONDITION ValueError: no template at ? (animal:12)"),
        ("empty_id", "enrichment", {}, "GetMetadata: identity.id is empty"),
        ("wrong_metadata", "tuning_rule", b"\xff\xff", "GetMetadata: an answer that cannot be read"),
        ("wrong_metadata", "tuning_rule", b"", "GetMetadata: identity.id is empty"),
        ("wrong_metadata", "tuning_rule", NAMELESS, "GetMetadata: identity.name is empty"),
        (
            "wrong_metadata",
            "tuning_rule",
            UNSEEN,
            "GetMetadata: identity.id 'a\\x07': 253 printable characters at most",
        ),
    ],
    ids=["hangs-in-init", "fails-in-init", "empty-id", "unreadable", "empty-answer", "nameless", "unseen"],
)
def test_a_wrong_greeting_is_told_and_disturbs_nobody(
    controller: Rig, program: str, kind: str, fields: Mapping[str, Any] | bytes, said: str
):
    if isinstance(fields, bytes):
        fields = {"env": [{"name": "METADATA", "value": fields.hex()}]}
    begin(controller, animal={"kind": kind, **fields})
    install(controller, kind, program, "animal")
    entry = controller.until_plugin(f"{kind}/animal", lambda each: each.get("lastExit"))
    assert entry["lastExit"]["reason"] == "AdapterFailed"
    assert entry["lastExit"]["message"] == f"adapter {kind!r}: {said}"
    assert_undisturbed(controller)


@pytest.mark.parametrize(
    ("ping", "said"), [("raises", "RuntimeError: the table of users is gone (animal:21)"), ("hangs", "within 1 s")]
)
def test_a_ping_asks_the_plugin_itself(controller: Rig, ping: str, said: str):
    health = {"periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 1}
    begin(controller, animal={"kind": "rule", "env": [{"name": "RULE_PING", "value": ping}], "health": health})
    install(controller, "rule", "unwell", "animal")
    controller.until_served("rule/animal")
    assert [each.matched for each in evaluate(controller, "animal", "{}")] == [True]
    entry = controller.until_plugin("rule/animal", lambda each: each.get("lastExit"))
    assert entry["lastExit"]["reason"] == "Unhealthy"
    assert said in entry["lastExit"]["message"]
    controller.until_plugin("rule/animal", lambda each: each["restarts"] == 1 and each["state"] == "Serving")
    assert_undisturbed(controller)


def test_a_plugin_of_another_kind_is_told_by_its_cookie(controller: Rig):
    begin(controller)
    install(controller, "matcher", "good_rule", "animal")
    entry = controller.until_plugin("matcher/animal", lambda each: each.get("lastExit"))
    assert entry["lastExit"]["reason"] == "WrongCookie"
    assert_undisturbed(controller)


def test_of_two_plugins_with_one_id_the_second_is_refused(controller: Rig):
    begin(controller)
    install(controller, "rule", "good_rule", "animal")
    entry = controller.until_state("rule/animal", "Refused")
    assert entry["reason"] == "DuplicateId"
    assert "'good-rule'" in entry["message"]
    assert "rule/bystander" in entry["message"]
    assert_undisturbed(controller)
    configure(controller, animal={"kind": "rule", "env": [{"name": "RULE_ID", "value": "another"}]})
    controller.until_served("rule/animal")
    assert controller.plugin("rule/animal")["id"] == "another"
    assert_undisturbed(controller)
