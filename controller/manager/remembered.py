"""Holds and last good versions, kept over a restart in the state dir (rule 6).

Secrets are not written down: what a `fromFile` or `fromEnv` gave is read again from there. A record that cannot be
read, or whose secrets are gone, is forgotten with a warning: the plugin then has no version to go back to.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from controller.config import UnreadableError, replace_file, secret
from controller.core.memory import NOTHING, initial, of_plugin, remember
from controller.core.model import (
    Binary,
    Digest,
    Handshake,
    Launch,
    LaunchId,
    Limits,
    Memory,
    PluginKey,
    Policy,
    Remembered,
    State,
    Target,
    Version,
)

log = logging.getLogger(__name__)


class Remembering:
    """The file of what is remembered. `environ` and `secrets_dirs` are where secrets may be read again."""

    def __init__(self, path: Path, environ: Mapping[str, str], secrets_dirs: Iterable[Path]) -> None:
        self._path = path
        self._environ = environ
        self._secrets_dirs = tuple(str(each) for each in secrets_dirs)
        self._kept: dict[PluginKey, Remembered] | None = None
        self._is_failing = False
        self._former: Memory | None = None  # what was not come to yet, in the state that was kept

    def initial_state(self, first_worker: int = 1) -> State:
        """The state to begin with."""
        return initial(Policy(), self._read(), first_worker)

    def keep(self, state: State, touched: Iterable[PluginKey]) -> None:
        """Write down what changed since the last call; a disk that refuses costs the record, with a warning.

        Only the `touched` plugins may have changed: a step costs the same however many others there are.
        """
        if (
            self._kept is not None
            and state.memory is self._former
            and not any(self._is_news(state, k) for k in touched)
        ):
            return
        self._former = state.memory
        memory = remember(state)
        if memory == self._kept:
            return
        text = json.dumps({key: _written(each) for key, each in memory.items()})
        try:
            replace_file(self._path, text.encode(), durable=False)
        except OSError as error:
            if not self._is_failing:
                log.warning("cannot remember held and last good versions", extra={"error": str(error)})
            self._kept, self._is_failing = None, True  # tried again at the next step
        else:
            self._kept, self._is_failing = memory, False

    def _is_news(self, state: State, key: PluginKey) -> bool:
        plugin = state.plugins.get(key)
        now = of_plugin(plugin) if plugin else state.memory.get(key, NOTHING)
        return now != (self._kept or {}).get(key, NOTHING)

    def _read(self) -> dict[PluginKey, Remembered]:
        try:
            shapes = json.loads(self._path.read_bytes())
            return {PluginKey(key): self._remembered(key, shape) for key, shape in shapes.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:  # not written by this version
            log.warning("cannot read held and last good versions", extra={"error": repr(error)})
            return {}

    def _remembered(self, key: str, shape: Mapping[str, Any]) -> Remembered:
        held = Version(**shape["held"]) if shape["held"] else None
        try:
            good = self._target(shape["lastGood"]) if shape["lastGood"] else None
        except UnreadableError as error:
            log.warning("the last good version is forgotten", extra={"plugin": key, "error": str(error)})
            good = None
        if good and not Path(good.binary.executable).is_file():
            log.warning("the last good version is forgotten", extra={"plugin": key, "error": "its binary is gone"})
            good = None
        return Remembered(held, good)

    def _target(self, shape: Mapping[str, Any]) -> Target:
        launch = shape["launch"]
        read_again = {
            name: secret(source, self._environ, self._secrets_dirs) for name, source in launch["sources"].items()
        }
        made = Launch(
            id=LaunchId(launch["id"]),
            adapter=launch["adapter"],
            args=tuple(launch["args"]),
            env={**launch["env"], **read_again},
            config=launch["config"],
            handshake=_handshake(launch["handshake"]),
            limits=Limits(**launch["limits"]),
            restarted_at=launch["restarted_at"],
            metadata=launch.get("metadata", ""),  # version 0.1 wrote none
            sources=launch["sources"],
        )
        version = Version(Digest(shape["version"]["digest"]), LaunchId(shape["version"]["launch"]))
        return Target(version, Binary(**shape["binary"]), made)


def _written(each: Remembered) -> dict[str, Any]:
    return {
        "held": asdict(each.held) if each.held else None,
        "lastGood": _written_target(each.last_good) if each.last_good else None,
    }


def _written_target(target: Target) -> dict[str, Any]:
    launch = target.launch
    open_env = {name: value for name, value in launch.env.items() if name not in launch.sources}
    return {
        "version": asdict(target.version),
        "binary": asdict(target.binary),
        "launch": asdict(replace(launch, env=open_env, sources=dict(launch.sources))),
    }


def _handshake(shape: Mapping[str, Any]) -> Handshake:
    return Handshake(shape["cookie_key"], shape["cookie_value"], tuple(shape["protocol_versions"]))
