"""The status document: it fits its schema in every state, and says what an operator needs."""

import pytest

from controller.config.schema import schema_of
from controller.core.model import Problem, SecretUnavailable, YamlRejected
from controller.core.reasons import Reason
from controller.goplugin import Record, Stream
from controller.manager import status
from controller.manager.journal import Journal
from controller.manager.status import Identity, clip, document, meaning, processes
from tests.core.world import World, digest, directory, kind, spec

IDENTITY = Identity("local", 42, 0.0, "0.1.0")


def told(world, journal=None):
    return document(world.state, IDENTITY, journal or Journal(), status.now())


def fits_its_schema(shape):
    errors = list(schema_of("pluginpodstatuses.yaml").validator.iter_errors(shape))
    assert [str(error) for error in errors] == []


@pytest.fixture
def world():
    return World()


def test_nothing_seen_is_not_ready(world):
    shape = told(world)
    assert shape["status"]["ready"] is False
    assert shape["status"]["summary"] == "0/0"
    fits_its_schema(shape)


def test_a_config_without_a_scan_is_not_ready(world):
    world.configure(kind({}))
    assert told(world)["status"]["ready"] is False


def test_a_serving_plugin_is_told_with_its_digest(world):
    world.up(content="one")
    shape = told(world)
    (plugin,) = shape["status"]["plugins"]
    assert (plugin["state"], plugin["servingDigest"]) == ("Serving", digest("one"))
    assert plugin["workers"] == {"ready": 1, "wanted": 1}
    assert shape["status"]["ready"] is True
    assert shape["status"]["summary"] == "1/1"
    fits_its_schema(shape)


def test_a_plugin_in_a_crash_loop_tells_when_it_is_tried_next(world):
    world.up()
    for _ in range(3):
        (worker,) = world.phases() or (world.after(1000).actions and world.phases())
        world.crashed(worker)
    (plugin,) = told(world)["status"]["plugins"]
    assert plugin["state"] == "CrashLoop"
    assert plugin["lastExit"]["reason"] == "Exited"
    assert plugin["nextRetry"].endswith("Z")
    fits_its_schema(told(world))


def test_the_pod_names_the_first_plugins_that_it_waits_for(world):
    world.configure(**{name: spec() for name in "abcde"}, off=spec(enabled=False))
    world.scan(**dict.fromkeys(("a", "b", "c", "d", "e", "off"), "one"))
    first, _, *others = world.starts()
    world.started(first)
    ready = told(world)["status"]["conditions"][0]
    assert ready["message"] == (
        "4 plugins are not ready: rule/b (Starting), rule/c (Starting), rule/d (Starting) and 1 more"
    )
    for worker in others:
        world.started(worker)
    assert told(world)["status"]["conditions"][0]["message"] == "1 plugin is not ready: rule/b (Starting)"


def test_an_update_is_told_with_both_digests(world):
    world.up(content="one")
    world.scan(a="two")
    (plugin,) = told(world)["status"]["plugins"]
    assert (plugin["state"], plugin["servingDigest"]) == ("Updating", digest("one"))
    assert plugin["targetDigest"] == digest("two")
    fits_its_schema(told(world))


def test_log_lines_come_only_with_plugins_that_are_not_ready(world):
    world.configure(kind({}))
    world.scan(bad="1", good="2")
    for worker in world.starts():
        if world.state.plugins["rule/good"].workers.get(worker):
            world.started(worker)
    journal = Journal()
    for name in ("bad", "good"):
        journal.emit(f"rule/{name}", "w1", Record("info", "a line", Stream.STDERR, {"n": 1}))
    bad, good = told(world, journal)["status"]["plugins"]
    assert bad["logs"] == ["a line n=1"]
    assert "logs" not in good


@pytest.mark.parametrize(
    ("flags", "state"),
    [
        ({"enabled": False}, "Disabled"),
        ({"pins": frozenset({digest("other")})}, "Refused"),
        ({"launch": SecretUnavailable("gone")}, "Refused"),
        ({"launch": YamlRejected("line 2: enabled: must be true or false")}, "Refused"),
    ],
)
def test_what_does_not_run_says_so_in_a_word(world, flags, state):
    world.configure(a=spec(**flags))
    world.scan(a="one")
    (plugin,) = told(world)["status"]["plugins"]
    assert plugin["state"] == state
    assert plugin["message"]
    fits_its_schema(told(world))


def test_a_named_plugin_without_a_file_is_shown(world):
    world.configure(a=spec(required=True))
    world.scan(directory({}))
    (plugin,) = told(world)["status"]["plugins"]
    assert (plugin["state"], plugin["required"]) == ("Removed", True)


def test_a_plugin_that_ends_tells_so(world):
    (worker,) = world.up()
    world.shut_down()
    assert told(world)["status"]["plugins"][0]["state"] == "Draining"
    world.drained(worker)
    assert told(world)["status"]["plugins"][0]["state"] == "Stopping"
    fits_its_schema(told(world))


def test_the_reported_id_is_told(world):
    world.configure(a=spec())
    world.scan(a="one")
    world.started(world.starts()[0], "an-id")
    assert told(world)["status"]["plugins"][0]["id"] == "an-id"


def test_a_problem_of_the_volume_is_a_condition_of_the_pod(world):
    world.configure(kind({}))
    world.scan(directory({}, missing=Problem(Reason.VOLUME_MISSING, "gone")))
    conditions = {each["type"]: each for each in told(world)["status"]["conditions"]}
    assert conditions["VolumeMissing"]["status"] == "True"
    assert conditions["VolumeMissing"]["message"] == "gone"
    fits_its_schema(told(world))


def test_processes_are_told_with_their_memory(world):
    (worker,) = world.up()
    (process,) = processes(world.plugin(), {worker: 4096})
    assert process == {
        "worker": worker,
        "pid": world.plugin().workers[worker].pid,
        "phase": "Ready",
        "digest": digest("one"),
        "memory": 4096,
    }


def test_clipping_keeps_the_newest_lines():
    assert clip(["old", "new"], 3) == ["new"]
    assert clip(["old", "new"], 6) == ["old", "new"]
    assert clip(["much too long"], 4) == ["much"]
    assert clip(["é" * 10], 3) == ["é"]
    assert clip([], 10) == []


def test_the_time_of_the_next_try_alone_is_no_news():
    """Two clocks make it, and it wavers by a second for ever."""

    def made(state="BackingOff", **more):
        return {"status": {"ready": False, "plugins": [{"kind": "rule", "name": "a", "state": state, **more}]}}

    assert meaning(made(nextRetry="2026-11-24T12:00:00Z")) == meaning(made(nextRetry="2026-11-24T12:00:01Z"))
    assert meaning(made()) != meaning(made("Serving"))
