"""What one step costs for an event that names one plugin, at 10, 200 and 2,000 plugins (budget: 50 us each).

A cycle is what a kill -9 of a serving worker and its replacement make the core do: Failed, Stopped, Started; and, apart
from it, a Drained that nobody waits for and a Tick that nothing waits for. Medians of all steps of that kind, all sizes
interleaved in one run.
"""

import statistics
import time

from controller.core.events import ConfigRead, Drained, Event, Failed, Started, Stopped, Tick, VolumeScanned
from controller.core.memory import initial
from controller.core.model import (
    Binary,
    Clock,
    Config,
    Digest,
    Directory,
    Exit,
    Handshake,
    KindSpec,
    Launch,
    LaunchId,
    Limits,
    PluginKey,
    PluginSpec,
    Policy,
    Restart,
    WorkerId,
)
from controller.core.reasons import Reason
from controller.core.step import step

SIZES = (10, 200, 2000)
ROUNDS = 2000
LAUNCH = Launch(LaunchId("launch"), "standard", (), {}, "", Handshake("KEY", "value", (1,)), Limits())
EXIT = Exit(Reason.KILLED, "killed by signal 9", 0.0, signal=9)


class Fleet:
    """A number of plugins, all serving with one worker."""

    def __init__(self, size: int) -> None:
        spec = PluginSpec(LAUNCH, restart=Restart(calm=0.0))
        names = [f"plugin-{number:04}" for number in range(size)]
        files = {name: Binary(name, Digest("00" * 32), f"/plugins/rule/{name}", f"/store/{name}") for name in names}
        self.now = 0.0
        self.size = size
        self.costs: dict[str, list[float]] = {}
        self.state = initial(Policy(max_starting=size), {})
        self.send(ConfigRead(Config(1, paused=False, kinds={"rule": KindSpec("rule", "/plugins/rule", spec, {})})))
        self.send(VolumeScanned({"/plugins/rule": Directory("/plugins/rule", files)}))
        for number in range(1, size + 1):
            self.send(Started(WorkerId(f"w{number:x}"), number))
        self.costs.clear()

    def send(self, event: Event) -> None:
        self.now += 0.001
        clock = Clock(self.now, self.now, 0.5)
        begin = time.perf_counter()
        result = step(self.state, event, clock)
        cost = time.perf_counter() - begin
        self.state = result.state
        self.costs.setdefault(type(event).__name__, []).append(cost)

    def cycle(self, number: int) -> None:
        plugin = self.state.plugins[PluginKey(f"rule/plugin-{number % self.size:04}")]
        (worker,) = plugin.workers
        self.send(Failed(worker, EXIT))
        self.send(Stopped(worker))
        (fresh,) = self.state.plugins[plugin.key].workers
        self.send(Started(fresh, number))
        self.send(Drained(worker))
        self.send(Tick())


def main() -> None:
    fleets = {size: Fleet(size) for size in SIZES}
    for number in range(ROUNDS):
        for fleet in fleets.values():
            fleet.cycle(number)
    print(f"{'event':<12}" + "".join(f"{size:>10} {'ratio':>6}" for size in SIZES) + "   (us, median)")
    for event in fleets[10].costs:
        medians = {size: statistics.median(fleet.costs[event]) * 1e6 for size, fleet in fleets.items()}
        print(f"{event:<12}" + "".join(f"{cost:>10.1f} {cost / medians[10]:>6.2f}" for cost in medians.values()))


if __name__ == "__main__":
    main()
