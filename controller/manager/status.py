"""The PluginPodStatus document: a view of the state, the same in the file, on the control socket and in the cluster."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from controller.core.conditions import is_wanted
from controller.core.model import (
    Clock,
    Condition,
    Config,
    Off,
    Phase,
    Plugin,
    PluginKey,
    Release,
    State,
    Target,
    WorkerId,
)
from controller.core.reasons import Reason
from controller.manager.journal import Journal
from controller.manager.missing import with_names

LOG_BYTES_EACH = 2 * 1024  # of one plugin that is not ready
LOG_BYTES_ALL = 64 * 1024


@dataclass(frozen=True, slots=True)
class Identity:
    """Who writes the document. `started_at` is wall time."""

    name: str
    pid: int
    started_at: float
    version: str


def document(state: State, identity: Identity, journal: Journal, clock: Clock) -> dict[str, Any]:
    """All of it; log lines only of plugins that are not ready."""
    plugins = [plugin_status(plugin, clock) for _, plugin in sorted(state.plugins.items())]
    _add_logs(plugins, state, journal)
    wanted = [plugin for _, plugin in sorted(state.plugins.items()) if is_wanted(plugin)]
    missing = [plugin for plugin in wanted if not is_ready(plugin)]
    return {
        "apiVersion": "pluginmgr.dev/v1alpha1",
        "kind": "PluginPodStatus",
        "metadata": {"name": identity.name},
        "status": {
            "ready": is_all_ready(state),
            "summary": f"{len(wanted) - len(missing)}/{len(wanted)}",
            **(_config(state.config) if state.config else {}),
            "controller": {
                "pid": identity.pid,
                "startedAt": timestamp(identity.started_at),
                "version": identity.version,
            },
            "conditions": [_condition(each) | {"message": with_names(each, missing)} for each in state.conditions],
            "plugins": plugins,
        },
    }


def meaning(document: Mapping[str, Any]) -> Any:
    """What has to differ for a document to be worth sending: all but the time of the next tries.

    That is computed from two clocks, and wavers by itself.
    """
    status = document["status"]
    plugins = [{field: value for field, value in each.items() if field != "nextRetry"} for each in status["plugins"]]
    return {**status, "plugins": plugins}


def live(state: State, identity: Identity, journal: Journal, sizes: Mapping[WorkerId, int]) -> dict[str, Any]:
    """The document with the processes that a file would only tell too late; `sizes` are their bytes."""
    shape = document(state, identity, journal, now())
    for plugin in shape["status"]["plugins"]:
        key = PluginKey(f"{plugin['kind']}/{plugin['name']}")
        plugin["processes"] = processes(state.plugins[key], sizes)
    return shape


def is_ready(plugin: Plugin) -> bool:
    """Whether the plugin's Ready condition is true."""
    return _has(plugin.conditions, "Ready")


def is_all_ready(state: State) -> bool:
    """Whether the pod's Ready condition is true."""
    return _has(state.conditions, "Ready")


def plugin_status(plugin: Plugin, clock: Clock) -> dict[str, Any]:
    """One plugin's entry, without processes and log lines."""
    ready = next((each for each in plugin.conditions if each.type == "Ready"), None)
    shape: dict[str, Any] = {
        "kind": plugin.kind,
        "name": plugin.name,
        "state": state_word(plugin),
        "reason": str(ready.reason) if ready else "",
        "message": ready.message if ready else "",
        "required": plugin.spec.required,
        "conditions": [_condition(each) for each in plugin.conditions],
        "workers": {"ready": _count(plugin, Phase.READY), "wanted": _wanted_workers(plugin)},
        "restarts": plugin.restarts,
    }
    shape |= _identity(plugin)
    if isinstance(plugin.decision, Target):
        shape["targetDigest"] = plugin.decision.version.digest
    if plugin.serving:
        shape["servingDigest"] = plugin.serving.target.version.digest
    if plugin.last_exit:
        last = plugin.last_exit
        known = {"reason": str(last.reason), "message": last.message, "code": last.code, "signal": last.signal}
        shape["lastExit"] = {key: value for key, value in known.items() if value is not None}
        shape["lastExit"]["at"] = timestamp(last.at)
    if (retry := next_retry(plugin)) is not None:
        shape["nextRetry"] = timestamp(clock.wall + retry - clock.monotonic)
    return shape


def processes(plugin: Plugin, memory: Mapping[WorkerId, int]) -> list[dict[str, Any]]:
    """The plugin's subprocesses, for people at the control socket."""
    return [
        {
            "worker": worker.id,
            "pid": worker.pid,
            "phase": str(worker.phase),
            "digest": worker.version.digest,
            "memory": memory.get(worker.id),
        }
        for worker in plugin.workers.values()
    ]


def state_word(plugin: Plugin) -> str:
    """One word for people: what the plugin is doing."""
    releases = [each for each in (plugin.serving, plugin.candidate) if each]
    ready = next((each for each in plugin.conditions if each.type == "Ready"), None)
    progress = next((each for each in plugin.conditions if each.type == "Progressing"), None)
    if not releases and plugin.workers:
        return "Draining" if _count(plugin, Phase.DRAINING) else "Stopping"
    if isinstance(plugin.decision, Off):
        return {Reason.DISABLED: "Disabled", Reason.REMOVED: "Removed"}.get(plugin.decision.reason, "Stopped")
    loud = {Reason.CRASH_LOOP: "CrashLoop", Reason.BACKING_OFF: "BackingOff", Reason.ROLLED_BACK: "RolledBack"}
    for condition in (ready, progress):
        if condition and condition.reason in loud:
            return loud[condition.reason]
    if not releases:
        return "Refused"
    if plugin.serving and plugin.candidate:
        return "Updating"
    return "Serving" if plugin.serving and _count(plugin, Phase.READY) else "Starting"


def next_retry(plugin: Plugin) -> float | None:
    """Monotonic time of the next start of a failed worker, None if none waits."""
    slots = [slot for each in (plugin.serving, plugin.candidate) if each for slot in each.slots]
    return min((slot.retry_at for slot in slots if slot.retry_at is not None and slot.worker is None), default=None)


def timestamp(wall: float) -> str:
    """Kubernetes' form: RFC 3339 in whole seconds, UTC."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now() -> Clock:
    """The clocks as a view needs them; `chance` is unused here."""
    return Clock(monotonic=time.monotonic(), wall=time.time(), chance=0.0)


def _config(config: Config) -> dict[str, Any]:
    named = {"name": config.name, "uid": config.uid}
    return {
        "observedGeneration": config.generation,
        "config": {field: value for field, value in named.items() if value},
    }


def _condition(condition: Condition) -> dict[str, Any]:
    word = {True: "True", False: "False", None: "Unknown"}[condition.status]
    return {
        "type": condition.type,
        "status": word,
        "reason": str(condition.reason),
        "message": condition.message,
        "lastTransitionTime": timestamp(condition.since),
    }


def _has(conditions: Iterable[Condition], kind: str) -> bool:
    return any(each.type == kind and each.status for each in conditions)


def _identity(plugin: Plugin) -> dict[str, str]:
    for worker in plugin.workers.values():
        if worker.reported.id:
            return {"id": worker.reported.id, "displayName": worker.reported.display_name}
    return {}


def _count(plugin: Plugin, phase: Phase) -> int:
    return sum(worker.phase is phase for worker in plugin.workers.values())


def _wanted_workers(plugin: Plugin) -> int:
    release: Release | None = plugin.serving or plugin.candidate
    return len(release.slots) if release else (plugin.spec.workers if is_wanted(plugin) else 0)


def _add_logs(plugins: list[dict[str, Any]], state: State, journal: Journal) -> None:
    left = LOG_BYTES_ALL
    for shape in plugins:
        key = PluginKey(f"{shape['kind']}/{shape['name']}")
        plugin = state.plugins[key]
        if is_wanted(plugin) and not is_ready(plugin) and left > 0:
            lines = clip(journal.tail(key, plugin.spec.logs.status_lines), min(LOG_BYTES_EACH, left))
            left -= sum(len(line.encode()) for line in lines)
            if lines:
                shape["logs"] = lines


def clip(lines: list[str], limit: int) -> list[str]:
    """The newest of the lines that fit into `limit` bytes; a single longer one is cut."""
    kept: list[str] = []
    for line in reversed(lines):
        raw = line.encode()
        if len(raw) > limit:
            if not kept:
                kept.append(raw[:limit].decode(errors="ignore"))
            break
        kept.append(line)
        limit -= len(raw)
    return kept[::-1]
