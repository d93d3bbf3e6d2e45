"""The adapters of the five kinds: what they ask, what they take for an answer, and what they say of a wrong one."""

import asyncio
import json
import tempfile
import tomllib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from controller.adapters import bundled
from controller.adapters.rule import RuleAdapter
from controller.core.model import Digest
from controller.goplugin import Channel
from controller.kinds import Rule, Severity
from controller.kinds.pb.rule_pb2 import RuleMetadata
from controller.kinds.servicer import Servicer
from controller.manager.adapter import AdapterError, Plugin, PluginAdapter

ROOT = Path(__file__).resolve().parents[2]
ENTRIES: Mapping[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][
    "pluginmgr.adapters"
]
KINDS = sorted(ENTRIES.keys() - {"standard"})
Register = Callable[[grpc.aio.Server], None]


def load(name: str) -> PluginAdapter[Any]:
    module, _, made = ENTRIES[name].partition(":")
    return getattr(import_module(module), made)()  # type: ignore[no-any-return]


def plugin(**metadata: Any) -> Plugin:
    return Plugin("rule", "failed-login", "/volume/rule/failed-login", Digest("0" * 64), metadata)


@pytest.fixture
async def channel() -> AsyncIterator[Callable[[Register], Any]]:
    """`await channel(register)`: a channel to a server with the services that `register` adds."""
    async with AsyncExitStack() as stack:

        async def begin(register: Register) -> Channel:
            server = grpc.aio.server()
            register(server)
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="a"))
            server.add_insecure_port(f"unix:{directory}/s")
            await server.start()
            stack.push_async_callback(server.stop, None)
            return await stack.enter_async_context(grpc.aio.insecure_channel(f"unix:{directory}/s"))

        yield begin


def answering(**calls: Any) -> Register:
    """Rules that answer with bytes, or however a function does; what is missing is UNIMPLEMENTED."""

    def handler(answer: Any) -> Any:
        async def say(request: bytes, context: Any) -> bytes:
            return answer if isinstance(answer, bytes) else await answer(request, context)

        return grpc.unary_unary_rpc_method_handler(say)

    methods = {name: handler(answer) for name, answer in calls.items()}
    service = grpc.method_handlers_generic_handler("pluginmgr.kinds.v1.Rule", methods)
    return lambda server: server.add_generic_rpc_handlers((service,))


async def greet(channel: Channel, **metadata: Any) -> Any:
    adapter = RuleAdapter()
    return await adapter.handshake(adapter.connect(channel), plugin(**metadata))


async def refusal(channel: Channel, **metadata: Any) -> str:
    with pytest.raises(AdapterError) as caught:
        await greet(channel, **metadata)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def identity(**fields: Any) -> bytes:
    return RuleMetadata(identity=fields).SerializeToString()


# --- what is installed


def test_there_is_one_for_each_kind() -> None:
    assert KINDS == ["enrichment", "formatter", "matcher", "rule", "tuning_rule"]


@pytest.mark.parametrize("name", KINDS)
def test_each_knows_its_plugins_by_blinks_cookie(name: str) -> None:
    adapter = load(name)
    assert adapter.plugin_key == name
    assert (adapter.cookie_key, adapter.magic_value) == ("BLINK_PLUGIN", f"{name}_v1")
    assert (adapter.protocol_versions, adapter.concurrency) == ((1,), 1)
    assert (adapter.sidecar("name: x") is None) == (name != "rule")


# --- what is taken


class Login(Rule):
    name = "failed-login"
    id = "r-1"
    description = "Says who failed"
    severity = Severity.HIGH
    begun = over = 0

    def init(self) -> None:
        self.begun += 1

    def ping(self) -> None:
        if self.over:
            raise RuntimeError("over")

    def shutdown(self) -> None:
        self.over += 1


async def test_a_plugin_says_who_it_is(channel: Callable[[Register], Any]) -> None:
    rule = Login()
    dispensed = await greet(await channel(Servicer(rule).register))
    assert (dispensed.reported.id, dispensed.reported.display_name) == ("r-1", "failed-login")
    metadata = json.loads(dispensed.reported.metadata)
    assert metadata["identity"] == {
        "id": "r-1",
        "name": "failed-login",
        "display_name": "",
        "description": "Says who failed",
        "version": "",
        "enabled": True,
    }
    assert (metadata["severity"], metadata["log_types"]) == ("SEVERITY_HIGH", [])
    assert rule.begun == 1


async def test_its_ping_and_shutdown_are_at_hand(channel: Callable[[Register], Any]) -> None:
    rule = Login()
    dispensed = await greet(await channel(Servicer(rule).register))
    await dispensed.lifecycle.ping()
    await dispensed.lifecycle.shutdown()
    assert rule.over == 1
    with pytest.raises(AdapterError, match=r"^Ping: FAILED_PRECONDITION RuntimeError: over \(test_bundled.py:\d+\)$"):
        await dispensed.lifecycle.ping()


async def test_the_yaml_beside_a_rule_says_it_instead(channel: Callable[[Register], Any]) -> None:
    there = await channel(answering(Init=b""))
    yaml = {"name": "a", "description": "b", "severity": "high", "merge_window_mins": 5, "tags": ["t"], "signal": True}
    reported = (await greet(there, **yaml)).reported
    assert (reported.id, reported.display_name) == ("a", "a")
    told, said = await greet(await channel(Servicer(Login()).register)), json.loads(reported.metadata)
    assert said.keys() - {"signal"} == json.loads(told.reported.metadata).keys()  # the same shape, whoever says it
    assert (said["severity"], said["confidence"]) == ("SEVERITY_HIGH", "CONFIDENCE_UNSPECIFIED")
    assert (said["merge_window_minutes"], said["tags"], said["signal"]) == (5, ["t"], True)
    assert said["identity"]["description"] == "b"
    reported = (await greet(there, name="a", id="i", display_name="A")).reported
    assert (reported.id, reported.display_name) == ("i", "A")


def test_the_yaml_says_whether_a_rule_runs_and_how_often() -> None:
    rules = RuleAdapter()
    assert (rules.is_enabled(plugin()), rules.workers(plugin())) == (None, None)
    metadata = rules.sidecar("name: a\nmax_procs: 3\n")
    assert (rules.is_enabled(plugin(**metadata)), rules.workers(plugin(**metadata))) == (False, 3)
    metadata = rules.sidecar("name: a\nenabled: true\nmax_procs: 0\n")
    assert (rules.is_enabled(plugin(**metadata)), rules.workers(plugin(**metadata))) == (True, None)


def test_a_yaml_that_cannot_be_used_is_refused_with_its_place() -> None:
    with pytest.raises(AdapterError, match="line 2"):
        RuleAdapter().sidecar("name: a\nseverity: awful\n")


# --- what is not


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "GetMetadata: identity.id is empty"),
        (identity(name="a"), "GetMetadata: identity.id is empty"),
        (identity(id="a"), "GetMetadata: identity.name is empty"),
        (identity(id="a\n", name="a"), r"GetMetadata: identity.id 'a\n': 253 printable characters at most"),
        (identity(id="x" * 254, name="a"), f"GetMetadata: identity.id '{'x' * 50}': 253 printable characters at most"),
        (identity(id="a", name="a\u202e"), r"GetMetadata: identity.name 'a\u202e': 253 printable characters at most"),
        (
            identity(id="a", name="a", description="\0" * 12_000),
            "GetMetadata: 72373 bytes as JSON, and at most 65536 are taken",
        ),
        (b"\xff\xff\xff", "GetMetadata: an answer that cannot be read"),
    ],
    ids=["empty", "no-id", "no-name", "line-break", "long", "unseen", "large", "unreadable"],
)
async def test_wrong_metadata_are_refused_and_named(
    channel: Callable[[Register], Any], answer: bytes, said: str
) -> None:
    assert await refusal(await channel(answering(Init=b"", GetMetadata=answer))) == said


async def test_an_id_of_253_characters_is_taken(channel: Callable[[Register], Any]) -> None:
    there = await channel(answering(Init=b"", GetMetadata=identity(id="x" * 253, name="a")))
    assert (await greet(there)).reported.id == "x" * 253


async def test_a_plugin_without_the_service_is_none(channel: Callable[[Register], Any]) -> None:
    assert await refusal(await channel(answering())) == "Init: UNIMPLEMENTED Method not found!"
    assert await refusal(await channel(answering(Init=b""))) == "GetMetadata: UNIMPLEMENTED Method not found!"


async def test_an_init_that_fails_is_said_in_one_line(channel: Callable[[Register], Any]) -> None:
    async def fail(_request: bytes, context: Any) -> bytes:
        await context.abort(grpc.StatusCode.INTERNAL, "one\n  two")

    assert await refusal(await channel(answering(Init=fail))) == "Init: INTERNAL one two"


@pytest.mark.parametrize(
    ("method", "constant"), [("Init", "INIT_SECONDS"), ("GetMetadata", "METADATA_SECONDS")], ids=["Init", "GetMetadata"]
)
async def test_each_call_has_its_deadline(
    channel: Callable[[Register], Any], monkeypatch: pytest.MonkeyPatch, method: str, constant: str
) -> None:
    async def hang(_request: bytes, _context: Any) -> bytes:
        await asyncio.Event().wait()
        return b""

    monkeypatch.setattr(bundled, constant, 0.1)
    there = await channel(answering(**({"Init": b""} | {method: hang})))
    assert await refusal(there) == f"{method}: no answer within 0.1 s"


async def test_a_deadline_of_the_plugins_own_is_told_as_it_said(channel: Callable[[Register], Any]) -> None:
    async def late(_request: bytes, context: Any) -> bytes:
        await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "the database is slow")

    dispensed = await greet(await channel(answering(Init=b"", GetMetadata=identity(id="a", name="a"), Ping=late)))
    with pytest.raises(AdapterError, match=r"^Ping: DEADLINE_EXCEEDED the database is slow$"):
        await dispensed.lifecycle.ping()


def test_the_deadlines_are_those_of_blink() -> None:
    assert (bundled.INIT_SECONDS, bundled.METADATA_SECONDS) == (10, 5)


async def test_a_connection_that_is_lost_is_said(tmp_path: Path) -> None:
    async with grpc.aio.insecure_channel(f"unix:{tmp_path}/none") as lost:
        assert (await refusal(lost)).startswith("Init: UNAVAILABLE ")


async def test_a_channel_that_was_closed_is_said(channel: Callable[[Register], Any]) -> None:
    there = await channel(answering(Init=b""))
    await there.close()
    assert await refusal(there) == "Init: Channel is closed."


async def test_an_unreadable_answer_to_a_host_leaves_no_traceback(
    channel: Callable[[Register], Any], caplog: pytest.LogCaptureFixture
) -> None:
    there = await channel(answering(Init=b"\xff\xff"))
    assert await refusal(there) == "Init: an answer that cannot be read"
    assert caplog.records == []
