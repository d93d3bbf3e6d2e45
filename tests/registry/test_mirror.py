"""What a host makes of the responses: by example, and for any history of messages and lost connections."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.model import Reported
from controller.manager.host_messages import (
    RegisterMessage,
    RemoveMessage,
    UnregisterMessage,
    UpdateMessage,
)
from controller.registry import mirror, wire
from controller.registry.ledger import Ledger
from controller.registry.mirror import Mirror
from tests.registry.words import V1, V2, A, B, Words

RUN = Path("/run/pm")


class Following:
    """A ledger that plays the server, the mirror, and a host that believes what `Notify` says."""

    def __init__(self) -> None:
        self.words = Words(RUN)
        self.ledger = Ledger()
        self.opened, self.vanished = [], []
        self.mirror = Mirror(RUN, self._open, self.vanished.append, self.words.on_drained)
        self.serving, self.removed, self.draining = {}, set(), set()
        self.is_connected = False

    def _open(self, worker):
        self.opened.append(worker.worker)
        return worker

    def connect(self):
        self.is_connected = True
        return self.believe(wire.snapshot(self.ledger, RUN))

    def say(self, message):
        self.ledger.take(message)
        return self.believe(wire.write(message, RUN)) if self.is_connected else []

    def believe(self, response):
        messages = list(self.mirror.read(response))
        for message in messages:
            key = message.plugin
            assert isinstance(message, UpdateMessage) <= (key in self.serving), "Update of what does not serve"
            assert isinstance(message, RegisterMessage) <= (key not in self.serving), "Register of what serves"
            self.serving.pop(key, None)
            if isinstance(message, RegisterMessage | UpdateMessage):
                self.removed.discard(key)
                self.serving[key] = [each.worker for each in message.workers]
            elif isinstance(message, RemoveMessage):
                self.removed.add(key)
            else:
                self.removed.discard(key)
            if not isinstance(message, RegisterMessage):
                assert not self.draining & set(message.draining), "told twice"
                self.draining |= set(message.draining)
        return messages


def test_a_handle_is_what_the_controller_has_with_an_absolute_path():
    following = Following()
    following.connect()
    (message,) = following.say(following.words.register("w1", "w2"))
    assert message == following.words.register("w1", "w2")


def test_a_handle_outside_of_the_run_dir_keeps_its_address():
    words = Words(Path("/elsewhere"))
    response = wire.write(words.register("w1"), RUN)
    assert response.register.workers[0].address == "/elsewhere/w1/plugin"
    assert wire.read_worker(response.register.workers[0], A, V1, RUN) == words.handle("w1")


def test_what_a_foreign_adapter_says_wrongly_is_sent_all_the_same():
    words = Words(RUN)
    handle = replace(words.handle("w1"), reported=Reported("a\ud800", "b", "c"), concurrency=-1)
    response = wire.write(replace(words.register("w1"), workers=(handle,)), RUN)
    assert (response.register.workers[0].plugin_id, response.register.workers[0].concurrency) == ("a?", 0)


def test_an_update_keeps_the_handles_of_workers_that_stay():
    following = Following()
    following.connect()
    following.say(following.words.register("w1"))
    (message,) = following.say(following.words.update("w1", "w2", version=V1))
    assert following.opened == ["w1", "w2"]
    assert [each.worker for each in message.workers] == ["w1", "w2"]


def test_a_worker_that_is_missing_and_does_not_drain_has_vanished():
    following = Following()
    following.connect()
    following.say(following.words.register("w1", "w2", "w3"))
    following.say(following.words.update("w3", draining=("w2",)))
    assert following.vanished == ["w1"]
    assert following.mirror.holds == ["w2", "w3"]


def test_a_reconnect_tells_the_difference_and_drains_what_is_missing():
    following = Following()
    words = following.words
    following.connect()
    following.say(words.register("w1", "w2"))
    following.say(words.register("w3", plugin=B))
    following.is_connected = False
    following.say(words.update("w2", "w4", version=V2))
    following.say(words.remove(plugin=B))
    removed, updated = following.connect()
    assert removed == words.remove("w3", plugin=B)
    assert isinstance(updated, UpdateMessage)
    assert ([each.worker for each in updated.workers], updated.draining) == (["w2", "w4"], ("w1",))
    assert following.vanished == []
    assert following.connect() == [], "a second snapshot says nothing new"


def test_a_plugin_that_is_missing_and_not_removed_is_unregistered():
    following = Following()
    following.connect()
    following.say(following.words.register("w1"))
    following.ledger = Ledger()
    (message,) = following.connect()
    assert message == UnregisterMessage(A, ("w1",), following.words.on_drained)


def test_only_the_number_that_is_wanted_changes_and_it_is_told():
    following = Following()
    following.connect()
    following.say(following.words.register("w1"))
    response = wire.snapshot(following.ledger, RUN)
    response.snapshot.plugins[0].max_procs = 4
    (message,) = following.believe(response)
    assert message.max_procs == 4


def test_tombstones_come_with_the_snapshot_once():
    following = Following()
    following.say(following.words.remove())
    assert [type(each) for each in following.connect()] == [RemoveMessage]
    assert following.connect() == []


def test_tombstones_that_a_new_controller_does_not_know_are_taken_away():
    following = Following()
    following.connect()
    following.say(following.words.remove())
    following.ledger = Ledger()
    assert following.connect() == [UnregisterMessage(A, (), following.words.on_drained)]
    assert following.connect() == []


def test_a_plugin_that_comes_back_while_nobody_listens_is_told_as_such_and_no_more():
    following = Following()
    following.connect()
    following.say(following.words.remove())
    following.is_connected = False
    following.say(following.words.register("w1"))
    assert [type(each) for each in following.connect()] == [RegisterMessage]


def test_of_tombstones_the_latest_are_known(monkeypatch):
    monkeypatch.setattr(mirror, "MOST_TOMBSTONES", 2)
    following = Following()
    following.connect()
    for plugin in ("rule/x", "rule/y", "rule/z", "rule/y"):
        following.say(following.words.remove(plugin=plugin))
    following.ledger = Ledger()
    assert [each.plugin for each in following.connect()] == ["rule/z", "rule/y"]


def test_an_answer_counts_once():
    following = Following()
    following.connect()
    following.say(following.words.register("w1"))
    assert not following.mirror.drained("w1"), "it is not draining"
    following.say(following.words.unregister("w1"))
    assert following.mirror.drained("w1")
    assert not following.mirror.drained("w1")
    assert following.mirror.holds == []


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_after_any_history_a_host_believes_what_the_server_knows(data):
    following, number = Following(), 0
    words, serving = following.words, {A: [], B: []}
    for _ in range(data.draw(st.integers(1, 15))):
        action = data.draw(st.sampled_from(["serve", "serve", "serve", "lose", "forget", "connect", "answer"]))
        if action == "lose":
            following.is_connected = False
        elif action == "forget":  # as a new controller does, which knows no tombstones
            following.is_connected = False
            following.ledger._tombstones.clear()
        elif action == "connect":
            following.connect()
        elif action == "answer" and following.draining:
            worker = data.draw(st.sampled_from(sorted(following.draining)))
            following.draining.discard(worker)
            assert following.mirror.drained(worker)
        elif action == "serve":
            plugin = data.draw(st.sampled_from([A, B]))
            before = serving[plugin]
            fresh = data.draw(st.integers(0, 2))
            after = [each for each in before if data.draw(st.booleans())] + [f"w{number + i:x}" for i in range(fresh)]
            number += fresh
            draining = tuple(each for each in before if each not in after and data.draw(st.booleans()))
            if after:
                message = words.update(*after, draining=draining, plugin=plugin)
                message = message if before else words.register(*after, plugin=plugin)
            else:
                message = data.draw(st.sampled_from([words.unregister, words.remove]))(*draining, plugin=plugin)
            serving[plugin] = after
            following.say(message)
    following.connect()
    known = {key: [each.worker for each in what.workers] for key, what in following.ledger.serving.items()}
    assert following.serving == known
    assert set(following.ledger.tombstones) == following.removed
    held = {worker for workers in known.values() for worker in workers}
    assert set(following.mirror.holds) == held | following.draining
    assert sorted(following.opened) == sorted(set(following.opened)), "each is opened once"
    assert set(following.opened) >= held
