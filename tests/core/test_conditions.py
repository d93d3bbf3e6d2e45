"""What an operator reads: the truth, once, with a time that moves only when the status does."""

import pytest

from controller.core.model import Policy, Problem, SecretUnavailable, UpdateTimes
from controller.core.reasons import Reason
from tests.core.world import World, digest, directory, spec


def facts(world: World, *kinds: str) -> dict:
    return {one: (world.condition(one).status, world.condition(one).reason) for one in kinds}


def test_a_plugin_from_start_to_service():
    world = World()
    world.configure(a=spec())
    world.scan(a="one")
    assert facts(world, "Ready", "Progressing", "Degraded", "Verified") == {
        "Ready": (False, Reason.STARTING),
        "Progressing": (True, Reason.STARTING),
        "Degraded": (False, Reason.AS_EXPECTED),
        "Verified": (None, Reason.NOT_PINNED),
    }
    world.started(world.starts()[0])
    assert facts(world, "Ready", "Progressing") == {
        "Ready": (True, Reason.SERVING),
        "Progressing": (False, Reason.COMPLETE),
    }
    assert world.condition("Ready").message == "1 of 1 workers serve"


def test_conditions_stand_in_one_order():
    world = World()
    world.up()
    assert [one.type for one in world.plugin().conditions] == ["Ready", "Progressing", "Degraded", "Verified"]


def test_the_time_of_a_condition_moves_only_with_its_status():
    world = World()
    world.configure(a=spec(workers=2))
    world.scan(a="one")
    began = world.condition("Ready").since
    world.now += 1
    world.crashed(world.starts()[0])
    world.now += 1
    world.crashed(world.starts()[0])
    ready = world.condition("Ready")
    assert (ready.reason, ready.since) == (Reason.BACKING_OFF, began)
    world.after(1.0)
    for worker in list(world.phases()):
        world.started(worker)
    assert world.condition("Ready").since == world.now + 1e9


def test_each_condition_has_a_time_of_its_own():
    world = World()
    began = world.now + 1e9
    world.up()
    world.now += 5
    world.scan(a="two")
    world.now += 5
    world.configure(a=spec(workers=2))
    times = {one.type: one.since - began for one in world.plugin().conditions}
    assert times == {"Ready": 10.0, "Progressing": 5.0, "Degraded": 10.0, "Verified": 0.0}


def test_a_text_is_renewed_though_status_and_reason_stay():
    world = World()
    world.configure(a=spec())
    world.scan(a="one")
    for failures in (1, 2, 3, 4):
        world.crashed(world.plugin().candidate.slots[0].worker)
        world.after(2.0)
        if failures > 2:
            assert world.condition("Ready").message.startswith(f"failed {failures} times")


def test_what_has_not_failed_is_no_crash_loop_however_early_that_begins():
    world = World(policy=Policy(crash_loop_failures=1))
    world.configure(a=spec())
    world.scan(a="one")
    assert world.condition("Ready").reason is Reason.STARTING
    world.failed(world.starts()[0])
    assert world.condition("Ready").reason is Reason.CRASH_LOOP


def test_what_is_wrong_with_the_file_of_a_disabled_plugin_degrades_nothing():
    world = World()
    world.configure(a=spec(enabled=False))
    world.scan(directory({"a": "one"}, problems={"a": Problem(Reason.STORE_FAILED, "disk full")}))
    assert facts(world, "Degraded") == {"Degraded": (False, Reason.AS_EXPECTED)}


def test_an_update_shows_as_progress_beside_a_ready_plugin():
    world = World()
    world.up()
    world.scan(a="two")
    assert facts(world, "Ready", "Progressing") == {
        "Ready": (True, Reason.SERVING),
        "Progressing": (True, Reason.UPDATING),
    }


def test_a_candidate_that_waits_for_its_next_try_is_no_progress_and_no_degradation():
    world = World()
    world.up()
    world.scan(a="two")
    world.crashed(world.starts()[0])
    world.crashed(world.starts()[0])
    assert facts(world, "Ready", "Progressing", "Degraded") == {
        "Ready": (True, Reason.SERVING),
        "Progressing": (False, Reason.BACKING_OFF),
        "Degraded": (False, Reason.AS_EXPECTED),
    }
    world.after(0.5)
    world.crashed(world.starts()[0])
    assert facts(world, "Degraded") == {"Degraded": (True, Reason.CRASH_LOOP)}


def test_a_lost_worker_among_others_shows_as_partly_ready():
    world = World()
    one, _ = world.up(workers=2)
    world.failed(one)
    assert facts(world, "Ready", "Progressing", "Degraded") == {
        "Ready": (False, Reason.PARTLY_READY),
        "Progressing": (True, Reason.STARTING),
        "Degraded": (True, Reason.PARTLY_READY),
    }
    world.crashed(world.starts()[0])
    assert facts(world, "Degraded", "Progressing") == {
        "Degraded": (True, Reason.BACKING_OFF),
        "Progressing": (False, Reason.BACKING_OFF),
    }


def test_the_loss_of_all_workers_shows_what_they_are_at():
    world = World()
    (one,) = world.up()
    world.failed(one)
    assert facts(world, "Ready") == {"Ready": (False, Reason.STARTING)}
    world.failed(world.starts()[0])
    assert facts(world, "Ready") == {"Ready": (False, Reason.BACKING_OFF)}


def test_a_refusal_shows_while_the_old_version_serves_and_when_it_does_not():
    world = World()
    (one,) = world.up()
    world.configure(a=spec(launch=SecretUnavailable("no token")))
    assert facts(world, "Ready", "Progressing", "Degraded") == {
        "Ready": (True, Reason.SERVING),
        "Progressing": (False, Reason.SECRET_UNAVAILABLE),
        "Degraded": (True, Reason.SECRET_UNAVAILABLE),
    }
    world.failed(one)
    assert facts(world, "Ready") == {"Ready": (False, Reason.STARTING)}


def test_a_refused_secret_does_not_hide_that_the_bytes_are_pinned():
    world = World()
    world.configure(a=spec(launch=SecretUnavailable("no token"), pins=frozenset({digest("one")})))
    world.scan(a="one")
    assert facts(world, "Verified") == {"Verified": (True, Reason.PIN_MATCHED)}


def test_pinned_bytes_that_cannot_be_read_are_not_verified():
    world = World()
    world.configure(a=spec(pins=frozenset({digest("one")})))
    world.scan(directory({}, problems={"a": Problem(Reason.FILE_UNREADABLE, "permission denied")}))
    assert facts(world, "Verified") == {"Verified": (None, Reason.FILE_UNREADABLE)}


def test_what_is_off_is_off_in_every_respect():
    world = World()
    world.up()
    world.configure(a=spec(enabled=False))
    assert facts(world, "Ready", "Progressing", "Degraded", "Verified") == {
        "Ready": (False, Reason.DISABLED),
        "Progressing": (True, Reason.DRAINING),
        "Degraded": (False, Reason.AS_EXPECTED),
        "Verified": (None, Reason.DISABLED),
    }


def test_the_pod_is_ready_when_all_that_is_wanted_is():
    world = World()
    world.configure(a=spec(), b=spec(enabled=False))
    world.scan(a="one", b="one")
    assert (world.of_pod("Ready").status, world.of_pod("Ready").reason) == (False, Reason.NOT_ALL_READY)
    assert world.of_pod("Ready").message == "1 plugin is not ready"
    world.started(world.starts()[0])
    assert (world.of_pod("Ready").status, world.of_pod("Ready").reason) == (True, Reason.ALL_READY)
    world.scan(a="one", b="one", c="one")
    assert world.of_pod("Ready").status is False
    world.scan(a="one", b="one")
    assert world.of_pod("Ready").status is True


def test_the_pod_is_not_ready_before_every_directory_was_looked_at():
    world = World()
    world.configure()
    ready = world.of_pod("Ready")
    assert (ready.status, ready.reason, ready.message) == (
        False,
        Reason.NOT_ALL_READY,
        "the volume was not scanned yet",
    )
    world.scan()
    assert world.of_pod("Ready").status is True


def test_the_conditions_of_the_pod_stand_from_the_first_fact_on():
    world = World()
    world.configure()
    world.scan()
    assert {one.type: one.status for one in world.state.conditions} == {
        "Ready": True,
        "ConfigMissing": False,
        "ConfigRejected": False,
        "Paused": False,
        "VolumeMissing": False,
    }


def test_a_pause_does_not_show_on_a_plugin_with_nothing_to_wait_for():
    world = World()
    world.up(update=UpdateTimes())
    world.configure(a=spec(), paused=True)
    assert facts(world, "Progressing") == {"Progressing": (False, Reason.COMPLETE)}


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_one_camel_case_word(reason):
    assert reason.value.isalnum()
    assert reason.value[0].isupper()
