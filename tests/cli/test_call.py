"""`pluginmgr call`: JSON in, one answer for each item out, by way of the registry and straight to the worker."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from subprocess import CompletedProcess

import pytest

from controller.kinds.pb.common_pb2 import ItemError
from controller.kinds.pb.enrichment_pb2 import EnrichBatchRequest, EnrichBatchResponse, Enriched
from controller.kinds.pb.formatter_pb2 import FormatBatchRequest, FormatBatchResponse, Formatted
from controller.kinds.pb.matcher_pb2 import Match, MatchBatchRequest, MatchBatchResponse
from controller.kinds.pb.rule_pb2 import EvaluateBatchRequest, EvaluateBatchResponse, Evaluation
from controller.kinds.pb.tuning_rule_pb2 import TuneBatchRequest, TuneBatchResponse, Tuning
from controller.testing.fake_registry import FakeRegistry
from tests.cli.conftest import pluginmgr

Ask = Callable[..., Awaitable[CompletedProcess[str]]]
EVENT = '{"user": "root"}'


async def evaluate(raw: bytes) -> bytes:
    items = []
    for event in EvaluateBatchRequest.FromString(raw).events:
        user = json.loads(event.json)["user"]
        bad = Evaluation(error=ItemError(message="nobody is nobody"))
        title = Evaluation(matched=True, title=f"{user}\x9b31m", severity="SEVERITY_HIGH", context_json='{"n": [1]}')
        items.append(bad if user == "nobody" else title)
    return EvaluateBatchResponse(items=items).SerializeToString()


async def enrich(raw: bytes) -> bytes:
    alerts = EnrichBatchRequest.FromString(raw).alerts
    shown = [{"id": a.id, "title": a.title, "events": a.events, "event": json.loads(a.event_json)} for a in alerts]
    return EnrichBatchResponse(items=[Enriched(context_json=json.dumps(each)) for each in shown]).SerializeToString()


async def format_(raw: bytes) -> bytes:
    count = len(FormatBatchRequest.FromString(raw).alerts)
    return FormatBatchResponse(items=[Formatted(result_json="no JSON")] * count).SerializeToString()


async def match(raw: bytes) -> bytes:
    count = len(MatchBatchRequest.FromString(raw).events)
    return MatchBatchResponse(items=[Match()] * count).SerializeToString()


async def tune(raw: bytes) -> bytes:
    count = len(TuneBatchRequest.FromString(raw).alerts)
    return TuneBatchResponse(items=[Tuning(applies=True)] * count).SerializeToString()


async def too_few(_raw: bytes) -> bytes:
    return b""


async def garbage(_raw: bytes) -> bytes:
    return b"\xff\xff"


async def breaks(_raw: bytes) -> bytes:
    raise ValueError("the plugin's own trouble")


async def hangs(_raw: bytes) -> bytes:
    await asyncio.get_running_loop().create_future()
    raise AssertionError


SERVING = {
    "rule/login": ("rule", "Rule/EvaluateBatch", evaluate),
    "my-enrichments/geoip": ("enrichment", "Enrichment/EnrichBatch", enrich),
    "formatter/odd": ("formatter", "Formatter/FormatBatch", format_),
    "matcher/none": ("matcher", "Matcher/MatchBatch", match),
    "tuning_rule/all": ("tuning_rule", "TuningRule/TuneBatch", tune),
    "rule/too-few": ("rule", "Rule/EvaluateBatch", too_few),
    "rule/garbage": ("rule", "Rule/EvaluateBatch", garbage),
    "rule/breaks": ("rule", "Rule/EvaluateBatch", breaks),
    "rule/hangs": ("rule", "Rule/EvaluateBatch", hangs),
    "zoo/echo": ("standard", "Echo/Call", garbage),
}


@pytest.fixture
async def call(fake_registry: FakeRegistry) -> AsyncIterator[Ask]:
    """Run the command beside a registry with all of SERVING."""

    async def ask(*args: str, **more: object) -> CompletedProcess[str]:
        return await asyncio.to_thread(pluginmgr, "call", *args, "--run-dir", fake_registry.run_dir, **more)

    async with fake_registry:
        for key, (adapter, method, answer) in SERVING.items():
            methods = {f"/pluginmgr.kinds.v1.{method}": answer}
            fake_registry.register(key, await fake_registry.worker(key, methods, adapter=adapter, concurrency=1))
        yield ask


def results(answer: CompletedProcess[str]) -> list[dict]:
    return [json.loads(line) for line in answer.stdout.splitlines()]


async def test_a_rule_is_asked_about_an_event(call: Ask):
    answer = await call("rule/login", EVENT, "-o", "json")
    assert (answer.returncode, answer.stderr) == (0, "")
    (result,) = results(answer)
    assert (result["matched"], result["severity"], result["context"]) == (True, "SEVERITY_HIGH", {"n": [1]})
    assert result["description"] == ""


async def test_for_people_it_is_indented_and_moves_no_cursor(call: Ask):
    answer = await call("rule/login", EVENT)
    assert json.loads(answer.stdout.replace("\\x", "\\\\x"))["title"] == "root\\x9b31m"
    assert '\n  "matched": true' in answer.stdout


async def test_items_come_from_arguments_lists_and_standard_input(call: Ask):
    typed = '{"user": "c"}\n{"user":\n "d"}\n[{"user": "e"}]'
    answer = await call("rule/login", '{"user": "a"}', '[{"user": "b"}]', "-", "-o", "json", input=typed)
    assert [each["title"][0] for each in results(answer)] == list("abcde")
    answer = await call("rule/login", "-o", "json", input=EVENT)
    assert len(results(answer)) == 1


async def test_items_may_stand_behind_options(call: Ask):
    answer = await call("rule/login", "-o", "json", EVENT, "--timeout", "5", EVENT)
    assert len(results(answer)) == 2
    answer = await call("rule/login", "-o", "json", "--tiemout")
    assert (answer.returncode, "unrecognized arguments: --tiemout" in answer.stderr) == (2, True)


async def test_an_item_with_an_error_fails_the_command_and_no_other_item(call: Ask):
    answer = await call("rule/login", EVENT, '{"user": "nobody"}', "-o", "json")
    assert answer.returncode == 1
    assert [each.get("error") for each in results(answer)] == [None, "nobody is nobody"]


async def test_an_event_is_made_an_alert_where_alerts_are_wanted(call: Ask):
    answer = await call("my-enrichments/geoip", EVENT, "-o", "json")
    assert results(answer)[0]["context"] == {"id": "call-1", "title": "call", "events": 1, "event": {"user": "root"}}


async def test_an_alert_is_sent_as_it_is(call: Ask):
    alert = {"id": "x", "title": "t", "events": 7, "severity": "SEVERITY_LOW", "event_json": {"a": 1}}
    answer = await call("my-enrichments/geoip", json.dumps(alert), "-o", "json")
    assert results(answer)[0]["context"] == {"id": "x", "title": "t", "events": 7, "event": {"a": 1}}
    answer = await call("my-enrichments/geoip", '{"event_json": "{}", "titel": "x"}')
    assert answer.returncode == 2
    assert "item 1 is no alert" in answer.stderr
    assert "titel" in answer.stderr


@pytest.mark.parametrize(
    ("key", "result"),
    [
        ("formatter/odd", {"result_json": "no JSON"}),
        ("matcher/none", {"matched": False}),
        ("tuning_rule/all", {"applies": True}),
    ],
)
async def test_every_kind_can_be_called(call: Ask, key: str, result: dict):
    answer = await call(key, EVENT, "-o", "json")
    assert answer.returncode == 0
    assert results(answer) == [result]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("rule/too-few", "the call to rule/too-few failed: it answered 0 items for 1"),
        ("rule/garbage", "the call to rule/garbage failed: it gave an answer that cannot be read"),
        ("rule/breaks", "the call to rule/breaks failed: UNKNOWN"),
        ("rule/hangs", "the call to rule/hangs failed: "),
        ("rule/absent", "rule/absent does not serve; what does: formatter/odd, matcher/none, "),
    ],
)
async def test_a_call_that_fails_is_one_line_and_exit_code_1(call: Ask, key: str, text: str):
    answer = await call(key, EVENT, "--timeout", "5")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith(f"pluginmgr: {text}")
    assert answer.stderr.count("\n") == 1


async def test_a_kind_that_nobody_knows_cannot_be_called(call: Ask):
    answer = await call("zoo/echo", EVENT)
    assert answer.returncode == 2
    assert "there is no call for 'standard', only for rule, matcher, " in answer.stderr


@pytest.mark.parametrize(
    ("items", "text"),
    [
        (["{"], "argument is no JSON"),
        (["1"], "argument has 1 where a JSON object belongs"),
        (["[[]]"], "where a JSON object belongs"),
        (["-"], "there is nothing to call it with"),
    ],
)
def test_what_is_no_object_is_bad_usage(state_dir, items, text):
    answer = pluginmgr("call", "rule/x", *items, "--run-dir", state_dir, input="")
    assert answer.returncode == 2
    assert text in answer.stderr


@pytest.mark.parametrize("command", [["call", "rule/x", EVENT], ["watch"]], ids=lambda words: words[0])
def test_without_a_controller_they_end_with_3(state_dir, command):
    answer = pluginmgr(*command, "--run-dir", state_dir)
    assert (answer.returncode, answer.stdout) == (3, "")
    assert answer.stderr.startswith(f"pluginmgr: no controller answers at {state_dir}/registry.sock: No such file")
    assert answer.stderr.count("\n") == 1


def test_a_dead_registrys_socket_does_not_look_alive(state_dir):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(state_dir / "registry.sock"))
    answer = pluginmgr("call", "rule/x", EVENT, "--run-dir", state_dir)
    assert (answer.returncode, answer.stdout) == (3, "")
    assert answer.stderr.count("\n") == 1
