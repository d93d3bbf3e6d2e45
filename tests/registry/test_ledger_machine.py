"""The ledger in a hostile world: random plugins, hosts, answers, losses and time, beside a model of who knows what."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from controller.registry.ledger import GONE_SECONDS, HURRIED_SECONDS, Ledger
from tests.registry.words import A, B, Words

PLUGINS = st.sampled_from([A, B])
HOSTS = st.sampled_from(["app", "web", "job"])


@dataclass
class Host:
    """What one host really knows: `told` by snapshot or message, `answered` or not."""

    connected: bool = True
    gone_at: float = 0.0
    told: set[str] = field(default_factory=set)
    ever: set[str] = field(default_factory=set)  # told of at any time, to any process of this name

    def tell(self, workers: set[str]) -> None:
        self.told |= workers
        self.ever |= workers


class HostileWorld(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.words = Words()
        self.ledger = Ledger()
        self.number = 0
        self.patience = GONE_SECONDS
        self.serving: dict[str, set[str]] = {}
        self.draining: set[str] = set()
        self.ended: set[str] = set()
        self.hosts: dict[str, Host] = {}

    # --- the controller

    @rule(plugin=PLUGINS, fresh=st.integers(0, 2), data=st.data(), are_lost=st.booleans(), removed=st.booleans())
    def serve(self, plugin, fresh, data, are_lost, removed):
        """Any change of a serving set: what goes drains, or was lost."""
        before = self.serving.get(plugin, set())
        kept = {each for each in sorted(before) if data.draw(st.booleans())}
        new = {self.fresh() for _ in range(fresh)}
        draining = () if are_lost else tuple(sorted(before - kept))
        after = kept | new
        if after and not before:
            message = self.words.register(*sorted(after), plugin=plugin)
        elif after:
            message = self.words.update(*sorted(after), draining=draining, plugin=plugin)
        else:
            message = (self.words.remove if removed else self.words.unregister)(*draining, plugin=plugin)
        self.serving[plugin] = after
        self.draining |= set(draining)
        self.ledger.take(message)
        for host in self.hosts.values():
            if host.connected:
                host.tell(new)

    @rule()
    def hurry(self):
        self.patience = HURRIED_SECONDS
        self.ledger.hurry(self.now)
        for host in self.hosts.values():
            host.gone_at = min(host.gone_at, self.now + self.patience)

    @rule(data=st.data())
    def a_draining_worker_ends(self, data):
        """By the core's deadline, or by itself."""
        if self.draining - self.ended:
            worker = data.draw(st.sampled_from(sorted(self.draining - self.ended)))
            self.ended.add(worker)
            self.ledger.ended(worker)

    def fresh(self) -> str:
        self.number += 1
        return f"w{self.number:x}"

    # --- hosts

    @rule(name=HOSTS, is_new_process=st.booleans())
    def connect(self, name, is_new_process):
        host = self.hosts.setdefault(name, Host())
        if is_new_process:
            host.told.clear()
        self.ledger.connected(name, sorted(host.told), self.now)
        host.connected = True
        host.tell(set().union(*self.serving.values()))

    @rule(data=st.data())
    def disconnect(self, data):
        connected = [name for name, host in self.hosts.items() if host.connected]
        if connected:
            name = data.draw(st.sampled_from(sorted(connected)))
            self.hosts[name].connected = False
            self.hosts[name].gone_at = self.now + self.patience
            self.ledger.disconnected(name, self.now)

    @rule(data=st.data(), is_lost=st.booleans())
    def answer(self, data, is_lost):
        """Hosts answer what they were told of, once; the answer may be lost on its way."""
        owed = [(name, w) for name, host in self.hosts.items() if host.connected for w in host.told & self.draining]
        if owed:
            name, worker = data.draw(st.sampled_from(sorted(owed)))
            self.hosts[name].told.discard(worker)
            if not is_lost:
                self.ledger.answered(name, worker)

    @rule(name=HOSTS, number=st.integers(0, 20))
    def babble(self, name, number):
        """An answer for a worker that the host was never told of."""
        worker = f"w{number:x}"
        if worker not in self.hosts.get(name, Host()).told:
            before = self.ledger.debtors(worker)
            self.ledger.answered(name, worker)
            assert before - {name} <= self.ledger.debtors(worker)

    @rule(seconds=st.sampled_from([0.1, 1.0, GONE_SECONDS, 60.0]))
    def wait(self, seconds):
        """The clock stops at each time that the ledger asks to be woken at."""
        until = self.now + seconds
        while (due := self.ledger.due_at()) <= until:
            self.now = max(self.now, due)
            self.ledger.look(self.now)
            assert self.ledger.due_at() > self.now, "it asks to be woken at once for ever"
        self.now = until

    # --- what holds

    @invariant()
    def each_drain_is_answered_at_most_once_and_never_a_serving_worker(self):
        assert set(self.words.answers) <= self.draining
        assert all(number == 1 for number in self.words.answers.values())

    @invariant()
    def a_drain_is_open_as_long_as_somebody_owes(self):
        for worker in self.draining - self.ended:
            assert bool(self.ledger.debtors(worker)) != bool(self.words.answers[worker])

    @invariant()
    def every_connected_host_that_holds_a_draining_worker_owes_for_it(self):
        for name, host in self.hosts.items():
            for worker in host.told & self.draining - self.ended - set(self.words.answers):
                if host.connected or self.now < host.gone_at:
                    assert name in self.ledger.debtors(worker)

    @invariant()
    def nobody_owes_what_it_was_not_told_of(self):
        for worker in self.draining:
            assert all(worker in self.hosts[name].ever for name in self.ledger.debtors(worker))

    @invariant()
    def nothing_is_remembered_of_what_is_over(self):
        assert set(self.ledger._drains) == self.draining - self.ended - set(self.words.answers)
        live = set().union(*self.serving.values()) | set(self.ledger._drains)
        for host in self.ledger._hosts.values():
            assert host.told <= live
            assert set(host.debts) <= live

    def teardown(self):
        """Once all hosts are gone for good, every drain has ended."""
        for name, host in self.hosts.items():
            if host.connected:
                self.ledger.disconnected(name, self.now)
        self.now += self.patience
        self.ledger.look(self.now)
        assert set(self.words.answers) >= self.draining - self.ended


HostileWorld.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
test_in_a_hostile_world_every_drain_ends_once = HostileWorld.TestCase
