"""What counts of one pod's PluginPodStatus, read into a small record as it arrives.

Pure. The document itself is dropped: with its log lines and managed fields, thousands of them would fill the memory.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from controller.core.reasons import Reason
from controller.kube.bounds import shortened
from controller.kube.names import CONFIG_LABEL

MESSAGE = 256  # characters of a failure's message that are kept, for the samples
UNKNOWN = "Unknown"  # the reason where none is given that the summary could name
REASON = re.compile(r"[A-Z][A-Za-z]{0,63}")
HARMLESS = ("Ready", "Paused", "Truncated")  # good, meant so, or only about how much is told
MOST = 20_000  # different ones that are kept once for all pods, before the book is begun anew

Json = Mapping[str, Any]


class Verdict(StrEnum):
    """How a plugin is doing in a pod, one word of what its conditions say together."""

    READY = "Ready"
    DEGRADED = "Degraded"  # it serves, but not as it is wanted
    STARTING = "Starting"  # on its way
    FAILED = "Failed"  # wanted, and does not run
    OFF = "Off"  # not wanted


@dataclass(frozen=True, slots=True)
class PluginSeen:
    """One plugin in one pod. `is_ready`: it serves with all its workers; `message` only where it is to be told."""

    kind: str
    name: str
    verdict: Verdict
    is_ready: bool
    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with the pod as a whole."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """One pod's status. `owner` is the Pod's uid, empty if none owns the object; `config` names what it follows."""

    pod: str
    uid: str
    resource_version: str
    owner: str
    config: str
    config_uid: str
    generation: int
    is_ready: bool
    is_leaving: bool
    troubles: tuple[Trouble, ...] = ()
    plugins: tuple[PluginSeen, ...] = ()

    @property
    def is_failed(self) -> bool:
        """Whether something wanted does not run, and is not on its way."""
        verdicts = {each.verdict for each in self.plugins}
        is_stuck = not self.is_ready and bool(self.troubles) and Verdict.STARTING not in verdicts
        return Verdict.FAILED in verdicts or is_stuck


class Reader:
    """Makes Reports. Plugins of which pods say the same are one object, whatever the number of pods."""

    def __init__(self) -> None:
        self._seen: dict[PluginSeen, PluginSeen] = {}

    def read(self, document: Json) -> Report:
        """Return what counts of a PluginPodStatus; a field that is missing reads as its zero."""
        metadata, status = document["metadata"], document.get("status") or {}
        config = status.get("config") or {}
        conditions = _by_type(status)
        label = _text(metadata.get("labels") or {}, CONFIG_LABEL)
        return Report(
            pod=metadata["name"],
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            owner=_owner(metadata),
            config=_text(config, "name") or label,
            config_uid=_text(config, "uid"),
            generation=int(status.get("observedGeneration") or 0),
            is_ready=bool(status.get("ready")),
            is_leaving=_reason(conditions, "Ready") == Reason.SHUTTING_DOWN,
            troubles=tuple(_troubles(conditions)),
            plugins=tuple(self._once(plugin_seen(each)) for each in status.get("plugins") or ()),
        )

    def _once(self, new: PluginSeen) -> PluginSeen:
        if len(self._seen) > MOST:
            self._seen.clear()  # messages with numbers in them differ for ever
        return self._seen.setdefault(new, new)


def plugin_seen(plugin: Json) -> PluginSeen:
    """Return how one plugin of a pod is doing."""
    conditions = _by_type(plugin)
    is_ready = _is(conditions, "Ready")
    verdict = _verdict(plugin, conditions)
    told = conditions.get("Degraded" if is_ready and verdict is Verdict.DEGRADED else "Ready", {})
    message = _message(told) if verdict in (Verdict.FAILED, Verdict.DEGRADED) else ""
    return PluginSeen(_text(plugin, "kind"), _text(plugin, "name"), verdict, is_ready, _word(told), message)


def _verdict(plugin: Json, conditions: Json) -> Verdict:
    if not (plugin.get("workers") or {}).get("wanted", 0):
        return Verdict.OFF
    if _is(conditions, "Ready"):
        return Verdict.DEGRADED if _is(conditions, "Degraded") else Verdict.READY
    if _is(conditions, "Progressing"):
        return Verdict.STARTING
    return Verdict.DEGRADED if _reason(conditions, "Ready") == Reason.PARTLY_READY else Verdict.FAILED


def _troubles(conditions: Json) -> Iterable[Trouble]:
    """Of a pod's conditions, these aside, all are bad when True."""
    for kind, condition in conditions.items():
        if kind not in HARMLESS and _is(conditions, kind):
            yield Trouble(_word(condition), _message(condition))


def _by_type(of: Json) -> dict[str, Json]:
    return {_text(each, "type"): each for each in of.get("conditions") or ()}


def _is(conditions: Json, kind: str) -> bool:
    return kind in conditions and conditions[kind].get("status") == "True"


def _reason(conditions: Json, kind: str) -> str:
    return _text(conditions.get(kind, {}), "reason")


def _owner(metadata: Json) -> str:
    owners = metadata.get("ownerReferences") or ()
    return next((_text(each, "uid") for each in owners if each.get("kind") == "Pod"), "")


def _message(condition: Json) -> str:
    return shortened(_text(condition, "message"), MESSAGE)


def _word(condition: Json) -> str:
    """The reason, as the schema of the summary has it."""
    reason = _text(condition, "reason")
    return reason if REASON.fullmatch(reason) else UNKNOWN


def _text(of: Json, field: str) -> str:
    value = of.get(field)
    return value if isinstance(value, str) else ""
