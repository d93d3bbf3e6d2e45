"""Rule 7: disabled, refused or unverified plugins are never started; what serves goes on."""

import pytest

from controller.core.messages import Unregister
from controller.core.model import Problem, Refused, SecretUnavailable, YamlRejected
from controller.core.reasons import Reason
from tests.core.world import World, digest, directory, kind, launch, spec, version

NO_SECRET = SecretUnavailable("cannot read /secrets/token")


def test_a_disabled_plugin_is_never_started():
    world = World()
    world.configure(a=spec(enabled=False))
    assert world.scan(a="one").actions == ()
    assert world.scan(a="two").actions == ()
    assert world.condition("Ready").reason is Reason.DISABLED
    assert world.plugin().workers == {}


def test_a_plugin_disabled_by_the_defaults_of_its_kind_is_never_started():
    world = World()
    world.configure(kind({}, default=spec(enabled=False)))
    assert world.scan(a="one").actions == ()


def test_a_plugin_whose_yaml_was_never_usable_is_not_started_and_says_why():
    world = World()
    world.configure(a=spec(launch=YamlRejected("a.yaml: line 1: name: is missing")))
    assert world.scan(a="one").actions == ()
    assert world.condition("Ready").reason is Reason.YAML_REJECTED
    assert world.condition("Degraded").message == "a.yaml: line 1: name: is missing"
    world.configure(a=spec())
    assert world.started_plugins() == ("rule/a",)


def test_a_bad_edit_of_the_yaml_is_a_flaw_of_what_serves_on():
    world = World()
    (one,) = world.up()
    step = world.configure(a=spec(problem=Problem(Reason.YAML_REJECTED, "a.yaml: line 1")))
    assert (step.actions, step.messages) == ((), ())
    degraded = world.condition("Degraded")
    assert (degraded.status, degraded.reason, degraded.message) == (True, Reason.YAML_REJECTED, "a.yaml: line 1")
    assert world.condition("Ready").status is True
    world.configure(a=spec())
    assert world.condition("Degraded").status is False
    assert world.serving() == (one,)


def test_disabling_stops_what_serves_and_what_is_to_serve():
    world = World()
    (one,) = world.up()
    world.scan(a="two")
    (two,) = world.starts()
    step = world.configure(a=spec(enabled=False))
    assert step.messages == (Unregister("rule/a", draining=(one,)),)
    assert world.stops() == (two,)


def test_disabling_ends_a_backoff():
    world = World()
    (one,) = world.up()
    world.crashed(one)
    world.crashed(world.starts()[0])
    world.configure(a=spec(enabled=False))
    assert world.last.wake_at is None
    assert world.after(100.0).actions == ()


def test_bytes_other_than_the_pins_are_not_started():
    world = World()
    world.configure(a=spec(pins=frozenset({digest("one")})))
    assert world.scan(a="two").actions == ()
    assert world.condition("Ready").reason is Reason.DIGEST_MISMATCH
    verified = world.condition("Verified")
    assert (verified.status, verified.reason) == (False, Reason.DIGEST_MISMATCH)
    assert "are not among the 1 pinned digests" in verified.message


@pytest.mark.parametrize("content", ["one", "two"])
def test_any_of_the_pinned_digests_is_started(content):
    world = World()
    world.configure(a=spec(pins=frozenset({digest("one"), digest("two")})))
    world.scan(a=content)
    assert len(world.starts()) == 1
    assert world.condition("Verified").status is True


def test_bytes_other_than_the_pins_block_new_versions_only_what_serves_goes_on_and_restarts():
    world = World()
    (one,) = world.up(pins=frozenset({digest("one")}))
    step = world.scan(a="two")
    assert (step.actions, step.messages) == ((), ())
    assert world.condition("Ready").status is True
    assert world.condition("Degraded").reason is Reason.DIGEST_MISMATCH
    assert [action.target.version for action in world.failed(one).actions] == [version("one")]


def test_pins_that_exclude_what_serves_do_not_stop_it():
    world = World()
    world.up()
    step = world.configure(a=spec(pins=frozenset({digest("other")})))
    assert (step.actions, step.messages) == ((), ())
    assert isinstance(world.plugin().decision, Refused)


def test_pins_that_exclude_a_candidate_stop_it():
    world = World()
    (one,) = world.up()
    world.scan(a="two")
    (two,) = world.starts()
    world.configure(a=spec(pins=frozenset({digest("one")})))
    assert world.stops() == (two,)
    assert world.serving() == (one,)


def test_pins_that_allow_the_bytes_after_all_start_them():
    world = World()
    world.configure(a=spec(pins=frozenset({digest("one")})))
    world.scan(a="two")
    world.configure(a=spec(pins=frozenset({digest("two")})))
    assert len(world.starts()) == 1


def test_without_its_secret_a_plugin_is_not_started():
    world = World()
    world.configure(a=spec(launch=NO_SECRET))
    assert world.scan(a="one").actions == ()
    ready = world.condition("Ready")
    assert (ready.reason, ready.message) == (Reason.SECRET_UNAVAILABLE, "cannot read /secrets/token")
    world.configure(a=spec())
    assert len(world.starts()) == 1


def test_serving_workers_restart_with_their_old_values_while_a_secret_is_unavailable():
    world = World()
    (one,) = world.up()
    assert world.configure(a=spec(launch=NO_SECRET, workers=2)).messages == ()
    added = world.last.actions
    assert [action.target.launch.id for action in added] == ["launch"]
    assert [action.target.launch.id for action in world.failed(one).actions] == ["launch"]


def test_a_secret_that_comes_back_unchanged_changes_nothing():
    world = World()
    (one,) = world.up()
    world.configure(a=spec(launch=NO_SECRET))
    assert world.configure(a=spec()).actions == ()
    assert world.serving() == (one,)


def test_a_secret_that_comes_back_changed_is_a_swap():
    world = World()
    world.up()
    world.configure(a=spec(launch=NO_SECRET))
    world.configure(a=spec(launch=launch("changed")))
    assert world.last.actions[0].target.version == version("one", "changed")


def test_a_file_that_cannot_be_taken_is_refused_with_its_reason():
    world = World()
    world.configure(a=spec())
    unreadable = Problem(Reason.FILE_UNREADABLE, "permission denied")
    world.scan(directory({}, problems={"a": unreadable}))
    assert world.plugin().decision == Refused(Reason.FILE_UNREADABLE, "permission denied")
    assert world.condition("Verified").status is None


def test_a_disabled_file_that_cannot_be_taken_is_disabled():
    world = World()
    world.configure(a=spec(enabled=False))
    world.scan(directory({}, problems={"a": Problem(Reason.FILE_UNREADABLE, "permission denied")}))
    assert world.condition("Ready").reason is Reason.DISABLED


def test_a_new_file_that_cannot_be_taken_leaves_the_former_one_serving_and_says_so():
    world = World()
    world.up()
    step = world.scan(directory({"a": "one"}, problems={"a": Problem(Reason.STORE_FAILED, "disk full")}))
    assert step.actions == ()
    degraded = world.condition("Degraded")
    assert (degraded.reason, degraded.message) == (Reason.STORE_FAILED, "disk full")
    world.scan(a="one")
    assert world.condition("Degraded").status is False
