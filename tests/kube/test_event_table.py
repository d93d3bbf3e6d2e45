"""The history's entries that are worth an Event, from steps of the core as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.events import ConfigRejected, PodNoted
from controller.core.facts import Problem
from controller.core.model import PluginKey
from controller.core.reasons import Reason
from controller.kube.event_table import NOTE_BYTES, TABLE, happening
from controller.manager.history import Entry, History
from tests.core.world import World


class Telling(World):
    """A world whose steps go into a history, and from there into Events."""

    def __init__(self):
        super().__init__()
        self.told = []
        self.history = History(self.hear)

    def hear(self, entry):
        if (found := happening(entry)) is not None:
            self.told.append((found.subject, found.reason, found.type))

    def send(self, event):
        before = self.state
        done = super().send(event)
        self.history.observe(event, before, done, self.now)
        return done


def test_a_start_that_goes_well_is_told_once_for_all():
    world = Telling()
    world.up()
    assert world.told == [("", "AllReady", "Normal")]


def test_a_crash_is_told_with_its_reason():
    world = Telling()
    (worker,) = world.up()
    world.told.clear()
    world.crashed(worker)
    assert world.told == [("rule/a", "Exited", "Warning")]


def test_a_restart_that_was_asked_for_is_told():
    world = Telling()
    world.up()
    world.told.clear()
    world.restart("a")
    assert world.told[0] == ("rule/a", "RestartRequested", "Normal")


def test_a_config_that_is_refused_is_told_and_that_it_is_good_again_is_not():
    world = Telling()
    world.up()
    world.told.clear()
    world.send(ConfigRejected("spec.kinds: bad"))
    assert world.told == [("", "ConfigRejected", "Warning")]
    world.told.clear()
    world.send(PodNoted("ConfigStale", Problem(Reason.CONFIG_STALE, "no answer")))
    world.send(PodNoted("ConfigStale", None))
    assert world.told == [("", "ConfigStale", "Warning")]


def test_what_cannot_be_sent_while_it_is_true_is_no_event():
    world = Telling()
    world.up()
    world.told.clear()
    world.send(PodNoted("ApiUnreachable", Problem(Reason.API_UNREACHABLE, "no answer")))
    assert world.told == []


def test_a_killed_predecessor_is_told():
    found = happening(Entry(1.0, None, "PreviousRunKilled", "", "killed; rule/a was largest"))
    assert (found.reason, found.type, found.note) == ("PreviousRunKilled", "Warning", "killed; rule/a was largest")
    named = happening(Entry(1.0, PluginKey("rule/a"), "PreviousRunKilled", "", "killed"))
    assert named.note == "rule/a: killed"


@given(st.sampled_from(sorted(TABLE)), st.text(st.characters(exclude_categories=()), max_size=20), st.integers(1, 400))
def test_a_note_has_a_word_and_is_short_enough(key, message, times):
    found = happening(Entry(1.0, None, *key, message * times))
    assert 1 <= len(found.note.encode()) <= NOTE_BYTES


@pytest.mark.parametrize(
    "entry", [Entry(1.0, None, "ConfigRead", "", ""), Entry(1.0, None, "NotReady", "NoConfig", "")]
)
def test_most_entries_are_no_events(entry):
    assert happening(entry) is None


def test_a_name_that_is_no_text_can_be_sent():
    assert happening(Entry(1.0, PluginKey("rule/a\udcff"), "WorkerLost", "Exited", "gone")).note == "rule/a?: gone"
