"""A config edited a thousand times at random while binaries are replaced at random: in the end all is as wanted."""

import os
import random
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import pytest

from tests.e2e.proc import descriptors_of, environment_of, tagged
from tests.e2e.rig import Rig
from tests.plugins import zoo

EDITS = 1000
FILES_EVERY = 10  # edits between two changes on the volume
NAMES = ("a", "b", "c", "d", "e", "python")
QUICK = {
    "restart": {"initialDelayMilliseconds": 50, "maxDelaySeconds": 1},
    "update": {"minReadySeconds": 0, "drainSeconds": 1},
    "stop": {"shutdownSeconds": 1, "killSeconds": 1},
}
Fields = Mapping[str, Any]

pytestmark = [pytest.mark.go, pytest.mark.slow, pytest.mark.timeout(300)]


class Player:
    """Makes up one edit after the other; `wanted` and `files` are what counts in the end."""

    def __init__(self, controller: Rig, seed: int) -> None:
        self.controller = controller
        self.chance = random.Random(seed)
        self.wanted: dict[str, Fields] = {}
        self.files: dict[str, str] = {}  # digests

    def entry(self) -> Fields:
        chance = self.chance
        return {
            "enabled": chance.random() < 0.8,
            "workers": chance.randint(1, 3),
            "required": chance.random() < 0.2,
            "env": [{"name": "COLOUR", "value": chance.choice(("red", "green"))}] if chance.random() < 0.7 else [],
        }

    def edit(self) -> None:
        """One edit, in one of a hundred cases to nonsense."""
        if self.chance.random() < 0.01:
            self.controller.write_config("nonsense: [")
            return
        name = self.chance.choice(NAMES)
        self.wanted.pop(name, None)
        if self.chance.random() < 0.9:
            self.wanted[name] = self.entry()
        self.write(paused=self.chance.random() < 0.02)

    def write(self, *, paused: bool = False) -> None:
        self.controller.configure(self.wanted, defaults=QUICK, paused=paused)

    def change_a_file(self) -> None:
        name = self.chance.choice(NAMES)
        if self.chance.random() < 0.2 and name in self.files:
            del self.files[name]
            (self.controller.volume / name).unlink()
        else:
            self.put(name)

    def put(self, name: str) -> None:
        program = "good" if name == "python" else "echo"
        path = self.controller.install(program, name, version=str(self.chance.randint(0, 9)))
        self.files[name] = sha256(path.read_bytes()).hexdigest()

    def desired(self) -> dict[str, tuple[str, int]]:
        """What shall serve: digest and workers by name."""
        entries = {name: self.wanted.get(name, {}) for name in self.files}
        on = {name: each for name, each in entries.items() if each.get("enabled", True)}
        return {name: (self.files[name], each.get("workers", 1)) for name, each in on.items()}

    def actual(self, status: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
        """What serves, and has nothing else under way."""
        plugins = {each["name"]: each for each in status["plugins"]}
        return {
            name: (each["servingDigest"], each["workers"]["ready"])
            for name, each in plugins.items()
            if "servingDigest" in each and each["state"] == "Serving"
        }


def environments(controller: Rig, player: Player) -> dict[str, bool]:
    """By name: whether every worker has the environment that its entry says."""
    right = {}
    for name in player.desired():
        variables = player.wanted.get(name, {}).get("env", [])
        colour = variables[0]["value"] if variables else None
        right[name] = all(environment_of(pid).get("COLOUR") == colour for pid in controller.pids(name))
    return right


def is_settled(controller: Rig, player: Player, status: Mapping[str, Any]) -> bool:
    wanted = player.desired()
    processes = sum(workers for _, workers in wanted.values())
    return player.actual(status) == wanted and len(tagged(controller.instance)) == processes


def test_after_a_thousand_random_edits_actual_equals_desired_and_nothing_is_left_over(controller: Rig):
    seed = int(os.environ.get("RANDOM_EDITS_SEED") or random.randrange(1 << 32))
    print(f"RANDOM_EDITS_SEED={seed}")
    player = Player(controller, seed)
    for name in NAMES:
        player.put(name)
    player.write()
    controller.start()
    controller.until(lambda status: is_settled(controller, player, status))
    descriptors = descriptors_of(controller.running.pid)
    for number in range(EDITS):
        player.edit()
        if number % FILES_EVERY == 0:
            player.change_a_file()
        controller.status()  # an answer between two edits gives it a chance to see most of them
    player.write()
    controller.until(lambda status: is_settled(controller, player, status), deadline=60)
    seen = controller.status()["observedGeneration"]
    print(f"{seen} of the configs were seen")
    assert seen > EDITS / 10, "too few for the test to show anything"
    workers = sum(count for _, count in player.desired().values())
    assert set(environments(controller, player).values()) <= {True}
    assert len([each for each in controller.run.iterdir() if each.is_dir()]) == workers
    assert len(list((controller.state / "work").iterdir())) == workers
    for name in player.files:
        (controller.volume / name).unlink()
    zoo.install("good", controller.volume, "python")
    controller.configure({}, defaults=QUICK)
    controller.until(lambda status: [each["name"] for each in status["plugins"]] == ["python"])
    controller.until(lambda _: descriptors_of(controller.running.pid) <= descriptors)
    assert controller.terminate() == 0
    assert controller.leftovers() == []
