"""Any order of scans, configs, late and failing answers, crashes, clock jumps, drains that never come, shutdowns.

What must hold after every step is in `hostile`; what must hold once the world turns kind is here.
"""

from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from controller.core.events import (
    ConfigMissing,
    ConfigRead,
    ConfigRejected,
    Drained,
    Failed,
    MemoryExceeded,
    PodNoted,
    RestartRequested,
    ShutdownRequested,
    Started,
    Stopped,
    Tick,
    Unhealthy,
    VolumeScanned,
)
from controller.core.memory import remember
from controller.core.model import (
    Config,
    KindSpec,
    PluginKey,
    Policy,
    Problem,
    Reported,
    State,
)
from controller.core.readiness import is_finished
from controller.core.reasons import Reason
from tests.core.hostile import Outside
from tests.core.kind import KindWorld
from tests.core.strategies import KINDS, NAMES, PATHS, entries, files, flags, path_for
from tests.core.world import CRASH, directory, spec

POLICY = Policy(max_starting=2)

picks = st.integers(0, 30)


class HostileWorld(RuleBasedStateMachine, KindWorld):
    """Every rule is something that may happen at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.outside = Outside(State(policy=POLICY))
        self.files: dict[str, dict[str, str]] = {path: {} for path in PATHS}
        self.config = Config(0, paused=False, kinds={})

    @property
    def state(self) -> State:
        return self.outside.state

    # --- the config and the volume ---

    @initialize(config=entries, found=files)
    def begin(self, config, found):
        self.configure("rule", config, spec(), 0, False, frozenset())
        self.files["/plugins/rule"] = found
        self.scan(0)

    @rule(
        name=st.sampled_from(KINDS),
        plugins=entries,
        default=flags,
        path=picks,
        paused=st.sampled_from((False,) * 4 + (True,)),
        hinted=st.frozensets(st.sampled_from(NAMES)),
    )
    def configure(self, name, plugins, default, path, paused, hinted):
        """Write one kind anew."""
        path = path_for(self.config, name, path)
        kind = KindSpec(name, path, default, plugins, hinted & plugins.keys())
        self.read({**self.config.kinds, name: kind}, paused=paused)

    @rule(name=st.sampled_from(KINDS))
    def drop_kind(self, name):
        kinds = {other: kind for other, kind in self.config.kinds.items() if other != name}
        self.read(kinds, paused=self.config.paused)

    @rule()
    def unpause(self):
        self.read(self.config.kinds)

    @rule(event=st.sampled_from((ConfigRejected("bad"), ConfigMissing("gone"), PodNoted("ConfigStale", None))))
    def lose_config(self, event):
        self.outside.send(event)

    @rule(path=st.sampled_from(PATHS), found=files)
    def write_files(self, path, found):
        self.files[path] = found
        self.scan(0)

    @rule(blind=st.sampled_from((0, 0, 1, 2, 4, 7)))
    def scan(self, blind):
        """Look at the directories; bits of `blind`: which of them are missing, the highest leaves one out."""
        seen = {
            path: directory(found, path=path)
            if not blind & (1 << number)
            else directory({}, path=path, missing=Problem(Reason.VOLUME_MISSING, "gone"))
            for number, (path, found) in enumerate(self.files.items())
            if not (blind & 4 and number == 0)
        }
        self.outside.send(VolumeScanned(seen))

    @rule(name=st.sampled_from(NAMES))
    def spoil(self, name):
        """Find a file that cannot be taken."""
        trouble = {name: Problem(Reason.FILE_UNREADABLE, "no")}
        seen = {path: directory(found, path=path) for path, found in self.files.items()}
        seen["/plugins/rule"] = replace(seen["/plugins/rule"], problems=trouble)
        self.outside.send(VolumeScanned(seen))

    # --- what workers live through ---

    @rule(pick=picks, reported=st.sampled_from(("", "x", "x", "y")), chance=st.floats(0, 0.99))
    def comes_up(self, pick, reported, chance):
        worker = self.outside.pick(pick, is_up=False, is_lost=False)
        if worker is not None:
            self.outside.processes[worker].is_up = True
            self.outside.send(Started(worker, 1, Reported(reported)), chance)

    @rule(pick=picks, chance=st.floats(0, 0.99))
    def fails(self, pick, chance):
        worker = self.outside.pick(pick, is_lost=False)
        if worker is not None:
            self.outside.processes[worker].is_lost = True
            self.outside.send(Failed(worker, CRASH), chance)

    @rule(pick=picks)
    def falls_sick(self, pick):
        worker = self.outside.pick(pick, is_up=True)
        if worker is not None:
            self.outside.send(Unhealthy(worker, CRASH))

    @rule(pick=picks, ratio=st.sampled_from((1.1, 1.2)))
    def grows(self, pick, ratio):
        worker = self.outside.pick(pick)
        if worker is not None:
            self.outside.send(MemoryExceeded(worker, ratio, CRASH))

    @rule(pick=picks)
    def is_gone(self, pick):
        worker = (
            self.outside.pick(pick, is_lost=True)
            or self.outside.pick(pick, is_stopping=True)
            or self.outside.pick(pick, is_killed=True)
        )
        if worker is not None:
            del self.outside.processes[worker]
            self.outside.send(Stopped(worker))

    @rule(pick=picks)
    def vanishes(self, pick):
        """End without a word."""
        worker = self.outside.pick(pick)
        if worker is not None:
            del self.outside.processes[worker]
            self.outside.send(Stopped(worker))

    @rule(pick=picks)
    def is_drained(self, pick):
        worker = self.outside.pick(pick)
        if worker is not None:
            self.outside.send(Drained(worker))

    @rule(number=st.integers(1, 40))
    def speaks_too_late(self, number):
        """Say something of a worker that may be long gone."""
        worker = f"w{number:x}"
        if worker not in self.outside.processes:
            for event in (Started(worker, 1), Failed(worker, CRASH), Drained(worker), Stopped(worker)):
                assert self.outside.send(event).touched == frozenset()

    # --- time and people ---

    @rule(seconds=st.sampled_from((0.0, 0.1, 0.5, 1.0, 5.0, 30.0, 100.0)))
    def time_passes(self, seconds):
        self.outside.now += seconds
        self.outside.send(Tick())

    @rule()
    @precondition(lambda self: self.outside.wake_at is not None)
    def next_deadline(self):
        self.outside.now = max(self.outside.now, self.outside.wake_at)
        self.outside.send(Tick())

    @rule(kind=st.sampled_from(KINDS), name=st.sampled_from(NAMES))
    def is_restarted(self, kind, name):
        self.outside.send(RestartRequested(PluginKey(f"{kind}/{name}")))

    @rule()
    def controller_dies(self):
        """Begin again with what was remembered."""
        self.outside.begin(remember(self.state), POLICY)

    @rule(grace=st.sampled_from((0.0, 3.0, 30.0)), is_sick=st.booleans())
    def shuts_down(self, grace, is_sick):
        """End it all: within the grace nothing is left but what was killed. Then another controller begins."""
        self.outside.send(ShutdownRequested(grace))
        end = self.outside.now + grace
        while self.outside.wake_at is not None and not is_finished(self.state):
            self.next_deadline()
            if not is_sick:
                self.obey()
        assert all(process.is_stopping or process.is_killed for process in self.outside.processes.values())
        assert self.outside.now <= end
        self.obey()
        assert is_finished(self.state)
        self.controller_dies()

    # --- the world turns kind ---

    @rule()
    def turns_kind(self):
        """From here on everything works: what is wanted must be there within the longest backoff, and nothing else."""
        self.read(self.config.kinds)
        self.scan(0)
        end = self.outside.now + 8.0 + 1.0 + 10.0 + 60.0 + 60.0
        self.obey(works=True)
        while self.outside.wake_at is not None and self.outside.wake_at <= end:
            self.next_deadline()
            self.obey(works=True)
        self.check_settled()

    def teardown(self):
        self.turns_kind()
        self.read({})
        self.obey(works=True)
        while self.outside.wake_at is not None:
            self.next_deadline()
            self.obey(works=True)
        index = self.state.index
        assert (len(self.state.plugins), len(index.owners), len(index.ids), self.state.memory) == (0, 0, 0, {})
        assert (index.starting, index.short, index.wakeups.size) == (0, 0, 0)

    def read(self, kinds, *, paused=False):
        self.config = Config(self.config.generation + 1, paused, kinds)
        self.outside.send(ConfigRead(self.config))


HostileWorld.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
test_the_promises_hold_in_a_hostile_world = HostileWorld.TestCase
