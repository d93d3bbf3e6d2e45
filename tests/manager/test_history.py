"""The history tells what changed, when and why, in the order of the steps."""

from controller.core.model import PluginKey
from controller.manager.history import ENTRIES, Entry, History
from tests.core.world import World, kind


class Recording(World):
    """A world whose steps go into a history."""

    def __init__(self):
        super().__init__()
        self.history = History()

    def send(self, event):
        before = self.state
        done = super().send(event)
        self.history.observe(event, before, done, self.now)
        return done

    def told(self, plugin="rule/a"):
        return [(each.what, each.reason) for each in self.history.entries(PluginKey(plugin) if plugin else None)]


def test_a_start_a_crash_and_a_comeback_are_told_in_order():
    world = Recording()
    (worker,) = world.up()
    world.crashed(worker)
    (worker,) = world.phases()
    world.started(worker)
    told = world.told()
    order = [what for what, _ in told if what in {"Register", "WorkerLost", "Unregister"}]
    assert order == ["Register", "WorkerLost", "Unregister", "Register"]
    assert ("WorkerLost", "Exited") in told
    assert ("Ready", "Serving") in told


def test_the_pod_has_a_history_of_its_own():
    world = Recording()
    world.configure(kind({}))
    assert ("ConfigRead", "") in world.told(None)


def test_a_restart_that_was_asked_for_is_told():
    world = Recording()
    world.up()
    world.restart("a")
    assert ("RestartRequested", "") in world.told()


def test_a_plugin_that_is_gone_is_told_as_forgotten():
    world = Recording()
    world.configure(kind({}))
    world.scan(a="one")
    worker = world.starts()[0]
    world.started(worker)
    world.scan(b="two")
    world.drained(worker)
    world.stopped(worker)
    assert world.told()[-1][0] == "Forgotten"


def test_the_history_is_bounded():
    history = History()
    for number in range(ENTRIES + 1):
        history.add(Entry(float(number), None, "Something", "", ""))
    assert len(history.entries()) == ENTRIES
    assert history.entries()[0].at == 1.0
    assert history.entries()[0].as_dict()["time"] == "1970-01-01T00:00:01Z"
