"""The world as the hostile test keeps it: supervisors, hosts, and all that must hold after every single step."""

from dataclasses import dataclass, field

from controller.core import finish
from controller.core.actions import Kill, Start, Stop
from controller.core.conditions import is_short
from controller.core.draft import Draft
from controller.core.events import Event, Failed, MemoryExceeded, Stopped, Tick, Unhealthy
from controller.core.ids import claims
from controller.core.memory import initial
from controller.core.messages import Register, Remove, Unregister, Update
from controller.core.model import Clock, Memory, Off, Phase, Plugin, PluginKey, Policy, State, WorkerId
from controller.core.plan import plan
from controller.core.release import is_due
from controller.core.step import Step, step

GOING = (Phase.DRAINING, Phase.STOPPING)


@dataclass
class Process:
    """What a supervisor knows of its worker."""

    plugin: PluginKey
    is_up: bool = False
    is_lost: bool = False
    is_stopping: bool = False
    is_killed: bool = False


@dataclass
class Outside:
    """Processes and hosts; `send` is the only way in, and checks every promise."""

    state: State
    now: float = 1000.0
    processes: dict[WorkerId, Process] = field(default_factory=dict)
    hosts: dict[PluginKey, tuple[WorkerId, ...]] = field(default_factory=dict)
    wake_at: float | None = None
    last: Step | None = None

    def begin(self, memory: Memory, policy: Policy) -> None:
        """Another life of the controller: nothing of the former one is left but what was remembered."""
        self.state = initial(policy, memory)
        self.processes.clear()
        self.hosts.clear()
        self.wake_at = None

    def pick(self, number: int, **wanted: bool) -> WorkerId | None:
        """Return one of the workers whose process is as wanted."""
        fits = [
            worker
            for worker, process in self.processes.items()
            if all(getattr(process, name) == value for name, value in wanted.items())
        ]
        return fits[number % len(fits)] if fits else None

    def send(self, event: Event, chance: float = 0.5) -> Step:
        clock = Clock(self.now, self.now + 1e9, chance)
        before = self.state
        done = step(before, event, clock)
        assert done == step(before, event, clock), "same input, same output"
        self.state, self.wake_at, self.last = done.state, done.wake_at, done
        self.check_messages(done)
        self.check_actions(before, event, done)
        self.check_record()
        self.check_time(done)
        self.check_index()
        return done

    # --- hosts hear first, and the truth ---

    def check_messages(self, done: Step) -> None:
        assert len({message.plugin for message in done.messages}) == len(done.messages), (
            "one message per plugin and step"
        )
        for message in done.messages:
            known = self.hosts.get(message.plugin, ())
            match message:
                case Register(workers=workers) | Update(workers=workers):
                    assert isinstance(message, Update) == bool(known), "Register begins, Update goes on"
                    assert workers not in ((), known)
                    self.hosts[message.plugin] = workers
                case Unregister() | Remove():
                    assert known or isinstance(message, Remove), "who was not registered is not unregistered"
                    self.hosts.pop(message.plugin, None)
            if not isinstance(message, Register):
                assert set(message.draining) <= set(known), "only who was known must be let go of"
        serving = {key: serving_set(plugin) for key, plugin in self.state.plugins.items() if serving_set(plugin)}
        assert self.hosts == serving, "what hosts know is what serves"
        for key, workers in serving.items():
            plugin = self.state.plugins[key]
            versions = {plugin.workers[worker].version for worker in workers}
            assert versions == {plugin.serving.target.version}, "never two versions serve"

    # --- one operation per worker ---

    def check_actions(self, before: State, event: Event, done: Step) -> None:
        for action in done.actions:
            match action:
                case Start(worker, key, target):
                    assert worker not in self.processes, "a worker starts once"
                    assert self.state.shutdown_at is None
                    plugin = self.state.plugins[key]
                    assert not isinstance(plugin.decision, Off), "nothing disabled is started"
                    served = before.plugins[key].serving if key in before.plugins else None
                    is_old = plugin.serving is not None and plugin.serving.target.version == target.version
                    assert (is_old and served) or target == plugin.decision, "nothing refused or unverified is started"
                    self.processes[worker] = Process(key)
                case Stop(worker):
                    process = self.processes[worker]
                    assert (process.is_stopping, process.is_killed) == (False, False), "a worker is stopped once"
                    process.is_stopping = True
                    self.check_stop(before, event, worker)
                case Kill(worker):
                    again = self.processes[worker].is_killed and not self.state.index.killed
                    assert not again, "a worker is killed once, and once more when the grace ends"
                    self.processes[worker].is_killed = True
        assert not {worker for known in self.hosts.values() for worker in known} & {
            worker for worker, process in self.processes.items() if process.is_stopping or process.is_killed
        }, "nobody is touched whom hosts may call"

    def check_stop(self, before: State, event: Event, worker: WorkerId) -> None:
        was = next((p.workers[worker] for p in before.plugins.values() if worker in p.workers), None)
        if was is not None and was.served and was.phase is Phase.READY:
            drain = self.state.plugins[was.plugin].spec.update.drain
            is_sick = isinstance(event, Unhealthy | Failed | MemoryExceeded | Stopped) and event.worker == worker
            assert is_sick or drain == 0 or self.state.shutdown_at is not None, "who has served drains first"

    # --- the record is in order ---

    def check_record(self) -> None:
        for plugin in self.state.plugins.values():
            releases = [one for one in (plugin.serving, plugin.candidate) if one is not None]
            assert len({one.target.version for one in releases}) == len(releases)
            slotted = [slot.worker for one in releases for slot in one.slots if slot.worker is not None]
            assert len(set(slotted)) == len(slotted)
            assert set(slotted) == {w.id for w in plugin.workers.values() if w.phase not in GOING}
            for worker in plugin.workers.values():
                assert (worker.drain_until is not None) == (worker.phase is Phase.DRAINING)
                if worker.drain_until is not None:
                    assert self.now < worker.drain_until <= worker.since + 60.0, "a drain ends"
            if isinstance(plugin.decision, Off):
                assert (releases, plugin.ticket) == ([], None)
            assert [condition.type for condition in plugin.conditions] == [
                "Ready",
                "Progressing",
                "Degraded",
                "Verified",
            ]

    def check_index(self) -> None:
        index, plugins = self.state.index, self.state.plugins
        workers = {worker.id: worker for plugin in plugins.values() for worker in plugin.workers.values()}
        assert dict(index.owners) == {worker.id: worker.plugin for worker in workers.values()}
        assert set(workers) == set(self.processes), "nothing is forgotten before it is gone, nothing kept after"
        assert index.starting == sum(worker.phase is Phase.STARTING for worker in workers.values())
        assert index.starting <= self.state.policy.max_starting
        assert index.short == sum(is_short(plugin) for plugin in plugins.values())
        held = {key: plugin.key for plugin in plugins.values() for key in claims(plugin)}
        assert {key: claim.holder for key, claim in index.ids.items()} == held
        waiting = {(p.kind, p.duplicate.id, p.key) for p in plugins.values() if p.duplicate is not None}
        assert waiting == {(*key, name) for key, claim in index.ids.items() for name in claim.waiting}
        if index.starting < self.state.policy.max_starting:
            assert not any(is_due(slot, self.now) for p in plugins.values() for slot in slots(p)), "no start is put off"

    # --- time ---

    def check_time(self, done: Step) -> None:
        quiet = step(done.state, Tick(), Clock(self.now, self.now + 1e9, 0.1))
        assert (quiet.state, quiet.messages, quiet.actions) == (done.state, (), ()), "one step does it all"
        assert quiet.wake_at == done.wake_at
        end = self.now + 1e6 if done.wake_at is None else done.wake_at
        assert end > self.now
        for moment in (self.now + (end - self.now) / 2, end - (end - self.now) * 1e-6):
            if moment < end:
                assert self.replanned(moment) == (done.state, [], ()), "nothing is due before wake_at"
        if done.wake_at is not None:
            then = step(done.state, Tick(), Clock(done.wake_at, done.wake_at + 1e9, 0.1))
            assert then.state != done.state or then.actions, "something is due at wake_at"

    def replanned(self, moment: float) -> tuple[State, list, tuple]:
        """Look at every plugin, not only at those whose deadline is over."""
        draft = Draft(self.state, Clock(moment, moment + 1e9, 0.1))
        for key in self.state.plugins:
            draft.open(key)
        plan(draft)
        state, messages, _ = finish.close(draft)
        return state, draft.actions, messages


def slots(plugin: Plugin):
    return [slot for one in (plugin.serving, plugin.candidate) if one is not None for slot in one.slots]


def serving_set(plugin: Plugin) -> tuple[WorkerId, ...]:
    found = () if plugin.serving is None else plugin.serving.slots
    return tuple(s.worker for s in found if s.worker and plugin.workers[s.worker].phase is Phase.READY)
