"""Rule 9: what is gone, what is only out of sight, and what a pause freezes."""

from dataclasses import replace
from itertools import permutations

import pytest

from controller.core.events import ConfigMissing, ConfigRejected, PodNoted
from controller.core.messages import Register, Remove, Unregister
from controller.core.model import Off, Phase, Problem
from controller.core.reasons import Reason
from tests.core.world import World, directory, kind, spec, version

FIXED = ["Ready", "ConfigRejected", "ConfigMissing", "Paused", "VolumeMissing"]
GONE = directory({}, missing=Problem(Reason.VOLUME_MISSING, "the mount is gone"))


def test_a_file_that_is_gone_is_a_remove_and_is_forgotten_with_its_last_worker():
    world = World()
    world.configure()
    world.scan(a="one")
    (one,) = world.starts()
    world.started(one)
    assert world.scan().messages == (Remove("rule/a", draining=(one,)),)
    assert world.condition("Ready").reason is Reason.REMOVED
    assert world.condition("Progressing").reason is Reason.DRAINING
    world.drained(one)
    world.stopped(one)
    assert not world.has("a")


def test_what_only_its_own_yaml_speaks_of_is_not_missed_when_its_file_is_gone():
    world = World()
    hinted = replace(kind({"a": spec(workers=2)}), hinted=frozenset({"a"}))
    world.configure(hinted)
    world.scan()
    assert not world.has("a")
    world.scan(a="one")
    workers = world.starts()
    assert world.scan().messages == (Remove("rule/a"),)
    for worker in workers:
        world.stopped(worker)
    assert not world.has("a")


def test_a_file_that_is_gone_is_a_remove_even_if_its_plugin_never_served():
    world = World()
    world.configure()
    world.scan(a="one")
    (one,) = world.starts()
    world.crashed(one)
    assert world.scan().messages == (Remove("rule/a"),)


def test_a_file_of_a_disabled_plugin_that_is_gone_is_a_remove_after_the_unregister():
    world = World()
    (one,) = world.up()
    world.configure(a=spec(enabled=False))
    assert world.scan().messages == (Remove("rule/a"),)
    assert world.phases()[one] is Phase.DRAINING
    world.stopped(one)
    assert not world.has("a")


def test_a_remove_is_said_once():
    world = World()
    world.up()
    world.scan()
    world.configure(a=spec(workers=3))
    assert [type(message) for message in world.messages] == [Register, Remove]


def test_a_file_that_comes_back_is_registered_again():
    world = World()
    world.up()
    world.scan()
    world.scan(a="one")
    (fresh,) = world.starts()
    assert world.started(fresh).messages == (Register("rule/a", version("one"), (fresh,)),)


def test_an_enabled_entry_without_a_file_is_shown_and_runs_nothing():
    world = World()
    world.configure(a=spec(), b=spec(enabled=False))
    step = world.scan()
    assert (step.messages, step.actions) == ((), ())
    ready = world.condition("Ready")
    assert ready.message == "there is no file 'a' on the volume, though the config names it"
    assert not world.has("b")
    assert world.of_pod("Ready").status is False


def test_an_entry_that_is_taken_out_is_forgotten_if_it_has_no_file():
    world = World()
    world.configure(a=spec())
    world.scan()
    assert world.configure().messages == ()
    assert not world.has("a")


def test_a_missing_directory_stops_nothing_and_is_said_of_the_pod():
    world = World()
    (one,) = world.up()
    step = world.scan(GONE)
    assert (step.messages, step.actions) == ((), ())
    missing = world.of_pod("VolumeMissing")
    assert (missing.status, missing.reason, missing.message) == (True, Reason.VOLUME_MISSING, "the mount is gone")
    assert len(world.failed(one).actions) == 1
    world.scan(a="one")
    assert world.of_pod("VolumeMissing").status is False


def test_a_plugin_can_be_disabled_though_its_directory_is_missing():
    world = World()
    (one,) = world.up()
    world.scan(GONE)
    assert world.configure(a=spec(enabled=False)).messages == (Unregister("rule/a", draining=(one,)),)


def test_counts_are_obeyed_though_the_directory_is_missing():
    world = World()
    world.up()
    world.scan(GONE)
    world.configure(a=spec(workers=2))
    assert len(world.starts()) == 1


def test_a_file_that_is_being_written_is_not_absent():
    world = World()
    (one,) = world.up()
    elsewhere = kind({"a": spec()}, name="elsewhere")
    world.configure(replace(elsewhere, name="rule"))
    step = world.scan(directory({}, path=elsewhere.directory, unsettled=frozenset({"a"})))
    assert (step.messages, step.actions) == ((), ())
    assert world.serving() == (one,)
    assert world.scan(directory({}, path=elsewhere.directory)).messages == (Remove("rule/a", draining=(one,)),)


def test_a_file_that_is_being_written_begins_nothing():
    world = World()
    world.configure(a=spec())
    world.scan(directory({}, unsettled=frozenset({"a"})))
    assert dict(world.state.plugins) == {}


def test_a_missing_directory_begins_nothing():
    world = World()
    world.configure(a=spec(), b=spec(enabled=False))
    world.scan(GONE)
    assert dict(world.state.plugins) == {}


def test_a_changed_directory_decides_nothing_before_its_first_scan_and_the_same_name_is_the_same_plugin():
    world = World()
    (one,) = world.up()
    elsewhere = kind({"a": spec(workers=2)}, name="elsewhere")
    step = world.configure(replace(elsewhere, name="rule"))
    assert step.messages == ()
    (two,) = world.starts()
    assert world.serving() == (one,)
    step = world.scan(directory({"a": "one"}, path=elsewhere.directory))
    assert (step.messages, step.actions) == ((), ())
    assert set(world.phases()) == {one, two}


def test_a_kind_gone_from_the_config_is_an_unregister_and_forgotten_with_its_last_worker():
    world = World()
    (one,) = world.up()
    assert world.configure(kind({}, name="other")).messages == (Unregister("rule/a", draining=(one,)),)
    assert world.condition("Ready").reason is Reason.KIND_REMOVED
    world.stopped(one)
    assert not world.has("a")


def test_disabling_is_an_unregister():
    world = World()
    (one,) = world.up()
    assert world.configure(a=spec(enabled=False)).messages == (Unregister("rule/a", draining=(one,)),)
    world.stopped(one)
    assert world.plugin().decision == Off(Reason.DISABLED)


@pytest.mark.parametrize(
    ("event", "kind"),
    [(ConfigRejected("bad field"), "ConfigRejected"), (ConfigMissing("bad field"), "ConfigMissing")],
)
def test_all_goes_on_with_the_last_good_config(event, kind):
    world = World()
    (one,) = world.up()
    step = world.send(event)
    assert (step.actions, step.messages, step.touched) == ((), (), frozenset())
    condition = world.of_pod(kind)
    assert sorted(one.type for one in world.state.conditions) == sorted(FIXED)
    assert (condition.status, condition.reason, condition.message) == (True, Reason(kind), "bad field")
    assert len(world.failed(one).actions) == 1
    world.configure(a=spec())
    assert world.of_pod(kind).status is False


@pytest.mark.parametrize("events", [*permutations((ConfigRejected("bad field"), ConfigMissing("no such object")))])
def test_a_config_is_either_rejected_or_missing(events):
    world = World()
    world.up()
    for event in events:
        world.send(event)
    stand = [kind for kind in ("ConfigRejected", "ConfigMissing") if world.of_pod(kind).status]
    assert stand == [type(events[-1]).__name__]


def test_a_start_without_any_config_runs_nothing_and_is_not_ready():
    world = World()
    assert world.scan(a="one").actions == ()
    assert (world.of_pod("Ready").status, world.of_pod("Ready").reason) == (False, Reason.NO_CONFIG)
    world.send(ConfigMissing("no such object"))
    assert world.of_pod("Ready").status is False


def test_problems_of_the_volume_stand_while_a_scan_reports_them():
    world = World()
    world.up()
    trouble = (
        Problem(Reason.WATCH_POLLING, "no inotify instances left"),
        Problem(Reason.STORE_FAILED, "disk full"),
        Problem(Reason.STORE_FAILED, "really full"),
    )
    world.scan(directory({"a": "one"}), problems=trouble)
    assert world.of_pod("WatchPolling").status is True
    assert world.of_pod("StoreFailed").message == "disk full; really full"
    assert world.of_pod("VolumeMissing").status is False
    assert [one.type for one in world.state.conditions] == [*FIXED, "StoreFailed", "WatchPolling"]
    world.scan(directory({"a": "one"}), problems=trouble[:1])
    assert world.of_pod("StoreFailed") is None
    world.scan(a="one")
    assert world.of_pod("WatchPolling") is None


def test_a_volume_missing_as_a_whole_is_the_same_condition_as_a_missing_directory():
    world = World()
    world.scan(GONE, problems=(Problem(Reason.VOLUME_MISSING, "no volume"),))
    assert world.of_pod("VolumeMissing").message == "the mount is gone; no volume"
    assert len([condition for condition in world.state.conditions if condition.type == "VolumeMissing"]) == 1


def test_what_only_the_shell_sees_of_the_pod_is_shown_while_it_is_true_and_touches_no_plugin():
    world = World()
    world.up()
    stale = Problem(Reason.CONFIG_STALE, "no answer for 9 s")
    assert world.send(PodNoted("ConfigStale", stale)).touched == frozenset()
    world.scan(a="one")
    condition = world.of_pod("ConfigStale")
    assert (condition.status, condition.reason, condition.message) == (True, Reason.CONFIG_STALE, "no answer for 9 s")
    world.send(PodNoted("ConfigStale", None))
    assert world.of_pod("ConfigStale").status is False
