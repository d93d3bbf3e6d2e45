"""What the soak does to a controller, one deed after the other; each returns when things are as they were."""

import random
from collections import Counter

from tests.calls.crowd import Crowd
from tests.calls.moves import SWIFT, Moves
from tests.e2e.rig import Rig

DRAIN = 5  # seconds
UPDATE = SWIFT["update"] | {"drainSeconds": DRAIN}
PROBATION = 60
LOOPING = {"calmSeconds": 60, "initialDelayMilliseconds": 10, "maxDelaySeconds": 1}


class Deeds:
    """`done` counts them, `killed` are the workers that were killed by them.

    `called` is in Go, `script` in Python; `strict` is in Go, and never gets a bad version.
    """

    def __init__(self, controller: Rig, crowd: Crowd, chance: random.Random) -> None:
        self.controller, self.crowd, self.chance = controller, crowd, chance
        self.called = Moves(controller, "called", "other", 2)
        self.script = Moves(controller, "script", "other", 2)
        self.strict = Moves(controller, "strict", "other", 2)
        self.done: Counter[str] = Counter()
        self.killed: set[str] = set()
        self._all = {
            self.swap: 20,
            self.relaunch: 10,
            self.flip: 15,
            self.resize: 10,
            self.kill: 15,
            self.restart: 5,
            self.stir: 10,
            self.cannot_start: 2,
            self.crash_loop: 1,
        }

    def one(self) -> str:
        """Do one, by chance; its name."""
        self.crowd.relent()
        (deed,) = self.chance.choices(list(self._all), weights=list(self._all.values()))
        bad = deed in (self.cannot_start, self.crash_loop)
        plugins, weights = [self.called, self.script, self.strict], [4, 2, 0 if bad else 4]
        (moves,) = self.chance.choices(plugins, weights)
        deed(moves)
        self.done[deed.__name__] += 1
        return deed.__name__

    def settle(self) -> None:
        """All as at the beginning: what is sampled then can be compared."""
        if not self.called.all("other"):
            self.called.flip()
        for moves in (self.called, self.script, self.strict):
            if moves.workers == 2:
                moves.settled()
            else:
                moves.resize(2)

    def swap(self, moves: Moves) -> None:
        moves.swap()

    def relaunch(self, moves: Moves) -> None:
        moves.relaunch()

    def flip(self, moves: Moves) -> None:
        moves.flip()

    def resize(self, moves: Moves) -> None:
        moves.resize(self.chance.choice([2, 3, 4]))

    def kill(self, moves: Moves) -> None:
        self.killed.add(moves.kill(self.chance.randrange(moves.workers))[0])

    def restart(self, moves: Moves) -> None:
        moves.restart()

    def stir(self, moves: Moves) -> None:
        self.crowd.stir(self.chance)

    def cannot_start(self, moves: Moves) -> None:
        """A bad file, then the old one again in other bytes."""
        good = moves.file.read_bytes()
        self.controller.install("exits_at_once", moves.plugin)
        self.controller.until_condition("Progressing", moves.plugin, status="False")
        self._fixed(moves, good)

    def crash_loop(self, moves: Moves) -> None:
        """A version that crashes in its probation, or before if its workers are never up at once; then a good one."""
        self.controller.flag(moves.plugin, update=UPDATE | {"probationSeconds": PROBATION}, restart=LOOPING)
        good = moves.file.read_bytes()
        self.controller.install("crashes", moves.plugin)
        moves.until(lambda: self._is_looping(moves))
        self.controller.flag(moves.plugin, update=UPDATE, restart=SWIFT["restart"])
        self._fixed(moves, good)

    def _is_looping(self, moves: Moves) -> bool:
        conditions = self.controller.plugin(moves.plugin)["conditions"]
        return any(each["type"] == "Degraded" and each["reason"] in ("RolledBack", "CrashLoop") for each in conditions)

    def _fixed(self, moves: Moves, good: bytes) -> None:
        self.controller.put(moves.plugin, good)
        moves.swap()
