"""A flag that is changed with kubectl, in any of its ways, reaches the process soon after the API server's answer."""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import pytest

from controller.testing.processes import tagged, until_gone
from tests.cluster.cluster_mode import ClusterMode, cluster_mode_in
from tests.cluster.control_plane import ControlPlane
from tests.cluster.namespace import Namespace
from tests.e2e.rig import HANDSHAKE, KIND

ROUNDS = 25  # of a flag off and on
BUDGET = 0.3
EDITOR = r"""#!/bin/sh
exec sed -i -z "s/enabled: [a-z]*\(\n *name: edited\)/enabled: $ENABLED\1/" "$1"
"""
pytestmark = pytest.mark.slow
RIGHTS = {"apiGroups": ["pluginmgr.dev"], "resources": ["pluginconfigs"], "verbs": ["get", "patch"]}


class Person:
    """One with rights on PluginConfigs and with kubectl, and a plugin for each way, so that no owner is overruled."""

    def __init__(self, mode: ClusterMode, directory: Path) -> None:
        self.account = mode.namespace.service_account("person")
        mode.namespace.grant(self.account, RIGHTS)
        self._mode = mode
        self._kubeconfig = mode.namespace.kubeconfig(directory / "person", mode.namespace.token(self.account))
        self._editor = directory / "editor"
        self._editor.write_text(EDITOR)
        self._editor.chmod(0o755)
        self.ways: dict[str, Callable[..., None]] = {
            "edited": self._edit,
            "patched": self._patch,
            "one": partial(self._apply, "one"),
            "two": partial(self._apply, "two"),
        }

    def _edit(self, *, enabled: bool) -> None:
        self._kubectl("edit", "plc", self._mode.name, EDITOR=str(self._editor), ENABLED=json.dumps(enabled))

    def _patch(self, *, enabled: bool) -> None:
        at = next(number for number, each in enumerate(self._entries()) if each["name"] == "patched")
        place = f"/spec/kinds/0/plugins/{at}"
        change = [
            {"op": "test", "path": f"{place}/name", "value": "patched"},
            {"op": "replace", "path": f"{place}/enabled", "value": enabled},
        ]
        self._kubectl("patch", "plc", self._mode.name, "--type", "json", "--patch", json.dumps(change))

    def _apply(self, owner: str, *, enabled: bool) -> None:
        kind = {"name": KIND, "handshake": HANDSHAKE, "plugins": [{"name": owner, "enabled": enabled}]}
        document = {
            "apiVersion": "pluginmgr.dev/v1alpha1",
            "kind": "PluginConfig",
            "metadata": {"name": self._mode.name},
            "spec": {"kinds": [kind]},
        }
        options = ["--server-side", "--field-manager", owner, "--filename", "-"]
        self._kubectl("apply", *options, stdin=json.dumps(document))

    def _entries(self) -> list[dict]:
        entries: list[dict] = self._mode.spec()["kinds"][0]["plugins"]
        return entries

    def _kubectl(self, *words: str, **options: str) -> None:
        self._mode.namespace.kubectl(*words, kubeconfig=self._kubeconfig, **options)


@pytest.fixture
def serving(namespace: Namespace, tmp_path: Path) -> Iterator[ClusterMode]:
    with cluster_mode_in(namespace, tmp_path) as made:
        made.configure({"edited": {"enabled": True}, "patched": {"enabled": True}})
        for each in ("edited", "patched", "one", "two"):
            made.install("good", each)
        made.start()
        for each in ("edited", "patched", "one", "two"):
            made.until_state(each, "Serving")
        yield made


def gone_at(pid: int) -> float:
    """The time of day at which the process has ended."""
    until_gone(pid)
    return time.time()


def executed_at(instance: str, before: frozenset[int]) -> float:
    """The time of day at which the instance has a process that it had not before."""
    ends = time.monotonic() + 10
    while not set(tagged(instance)) - before:
        assert time.monotonic() < ends
        time.sleep(0.002)
    return time.time()


def test_edit_patch_and_apply_by_two_owners(serving: ClusterMode, control_plane: ControlPlane, tmp_path: Path):
    person = Person(serving, tmp_path)
    user = serving.namespace.user(person.account)
    taken: dict[str, list[float]] = {each: [] for each in person.ways}
    answers = 0
    with ThreadPoolExecutor(1) as watcher:
        for plugin in islice(cycle(person.ways), ROUNDS):
            for enabled in (False, True):
                watched = (
                    watcher.submit(executed_at, serving.instance, frozenset(tagged(serving.instance)))
                    if enabled
                    else watcher.submit(gone_at, serving.pids(plugin)[0])
                )
                person.ways[plugin](enabled=enabled)
                answers += 1
                requests = control_plane.audit.until(
                    lambda found, answers=answers: sum(each.verb == "patch" for each in found) == answers, user
                )
                taken[plugin].append(watched.result() - requests[-1].at.timestamp())
                serving.until_state(plugin, "Serving" if enabled else "Disabled")
    for way, each in taken.items():
        print(f"{way}: median {statistics.median(each):.3f} s, worst {max(each):.3f} s of {len(each)}")
    all_taken = [each for way in taken.values() for each in way]
    print(f"all: median {statistics.median(all_taken):.3f} s, worst {max(all_taken):.3f} s of {len(all_taken)}")
    assert len(all_taken) == 2 * ROUNDS
    assert statistics.median(all_taken) < BUDGET
