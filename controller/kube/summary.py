"""What PluginConfig.status says of all pods: counts, a few failures, and conditions that sum it up.

Pure. Nothing in here changes by itself: no times but those of transitions, no order but by name.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from controller.config.schema import PLUGIN_CONFIGS, open_api_schema
from controller.core.reasons import Reason
from controller.kube.bounds import bounded
from controller.kube.report import Verdict
from controller.kube.tally import Fault, Shade, Tally, samples

SAMPLES = 10
PLUGINS = 500  # listed at most; the object goes to every pod each time it changes
NAMED = 3  # faults that a condition's message names

Json = dict[str, Any]
Finding = tuple[str, str, Reason | str, str]  # type, status, reason, message


@dataclass(frozen=True, slots=True)
class ConfigSeen:
    """A PluginConfig as the aggregator sees it; `status` is what the object says now."""

    name: str
    uid: str
    generation: int
    resource_version: str
    status: Mapping[str, Any]


def config_seen(document: Mapping[str, Any]) -> ConfigSeen:
    """Return what counts of a PluginConfig."""
    metadata, status = document["metadata"], document.get("status")
    generation = metadata.get("generation")
    return ConfigSeen(
        name=metadata["name"],
        uid=metadata["uid"],
        generation=generation if isinstance(generation, int) else 0,
        resource_version=metadata["resourceVersion"],
        status=status if isinstance(status, Mapping) else {},
    )


def summary(tally: Tally, config: ConfigSeen, now: str) -> Json:
    """Return the status of a config whose pods were counted; `now` is the time of transitions."""
    outdated = tally.outdated(config.uid, config.generation)
    plugins = _plugins(tally)
    left_out = {"pluginsLeftOut": len(tally.plugins) - len(plugins)} if len(tally.plugins) > len(plugins) else {}
    status: Json = {
        "observedGeneration": config.generation,
        "ready": f"{tally.ready}/{tally.pods}",
        "pods": {
            "total": tally.pods,
            "ready": tally.ready,
            "failed": tally.failed,
            "outdated": outdated,
            **_reasons(tally.troubles.items()),
        },
        "conditions": [_dated(each, config, now) for each in findings(tally, config, outdated)],
        "plugins": plugins,
        **left_out,
        "failures": [_failure(*each) for each in samples(tally.faults, SAMPLES)],
    }
    cut: Json = bounded(status, _schema())
    return cut


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two statuses say the same: the API server keeps lists that have keys in an order of its own."""
    same: bool = _sorted(one) == _sorted(other)
    return same


def is_urgent(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether more differs than what does from try to try of one and the same failure."""
    return not is_same(_wordless(one), _wordless(other))


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _sorted(part) for name, part in value.items()}
    if isinstance(value, list):
        return sorted(map(_sorted, value), key=lambda part: json.dumps(part, sort_keys=True))
    return value


def _wordless(status: Mapping[str, Any]) -> Json:
    return {**status, "failures": [{**each, "message": ""} for each in _entries(status, "failures")]}


def findings(tally: Tally, config: ConfigSeen, outdated: int) -> Iterator[Finding]:
    """Yield the conditions, undated. Ready is the one to wait for."""
    if not tally.pods:
        nobody = (Reason.NO_PODS, "no pod follows this config")
        yield from ((kind, "Unknown", *nobody) for kind in ("Ready", "Progressing", "Degraded"))
        return
    late = f"{_of(outdated, tally)} not taken over generation {config.generation} yet"
    yield _ready(tally, outdated, late)
    starting = sum(_has(shades, Verdict.STARTING) for shades in tally.plugins.values())
    if outdated:
        yield ("Progressing", "True", Reason.PODS_OUTDATED, late)
    elif starting:
        yield ("Progressing", "True", Reason.STARTING, f"{_plural(starting, 'plugin')} on the way in some pods")
    else:
        yield ("Progressing", "False", Reason.COMPLETE, "nothing is under way")
    yield _degraded(tally)


def _ready(tally: Tally, outdated: int, late: str) -> Finding:
    text = f"{tally.ready} of {_plural(tally.pods, 'pod')} ready"
    if tally.failed:
        failed = f"{_of(tally.failed, tally)} a plugin that does not run{_why(tally)}"
        return ("Ready", "False", Reason.PODS_FAILED, f"{failed}; {late}" if outdated else failed)
    if outdated:
        return ("Ready", "False", Reason.PODS_OUTDATED, late + _why(tally))
    if tally.ready < tally.pods:
        return ("Ready", "False", Reason.NOT_ALL_READY, text)
    return ("Ready", "True", Reason.ALL_READY, text)


def _degraded(tally: Tally) -> Finding:
    """Something fails or is not as wanted; the reason is that of most pods."""
    worst = _worst(tally)
    if not worst:
        return ("Degraded", "False", Reason.AS_EXPECTED, "")
    return ("Degraded", "True", worst[0].reason, _why(tally).removeprefix(": "))


def _why(tally: Tally) -> str:
    worst = _worst(tally)
    named = ", ".join(f"{_name(fault)} in {_plural(len(tally.faults[fault]), 'pod')}" for fault in worst[:NAMED])
    more = f", and {len(worst) - NAMED} more" if len(worst) > NAMED else ""
    return f": {named}{more}" if named else ""


def _worst(tally: Tally) -> list[Fault]:
    """The faults, that of most pods first."""
    return sorted(tally.faults, key=lambda fault: (-len(tally.faults[fault]), fault))


def _name(fault: Fault) -> str:
    return f"{fault.kind}/{fault.name} {fault.reason}" if fault.kind else fault.reason


def _of(pods: int, tally: Tally) -> str:
    return f"{pods} of {_plural(tally.pods, 'pod')} {'has' if pods == 1 else 'have'}"


def _plural(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _dated(finding: Finding, config: ConfigSeen, now: str) -> Json:
    """The condition; its time is that of the one in the object unless the status differs."""
    kind, status, reason, message = finding
    same = (
        each for each in _entries(config.status, "conditions") if (each.get("type"), each.get("status")) == finding[:2]
    )
    since = next((each["lastTransitionTime"] for each in same if "lastTransitionTime" in each), now)
    return {
        "type": kind,
        "status": status,
        "reason": str(reason),
        "message": message,
        "lastTransitionTime": since,
        "observedGeneration": config.generation,
    }


def _entries(status: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    """Those of a stored list; what an earlier CRD let pass may be none."""
    value = status.get(field)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _plugins(tally: Tally) -> list[Json]:
    """Each plugin by name; where there are too many, those that fail are not left out."""
    keys: Iterable[tuple[str, str]] = tally.plugins
    if len(tally.plugins) > PLUGINS:
        broken = {(fault.kind, fault.name) for fault in tally.faults}
        keys = sorted(keys, key=lambda key: (key not in broken, key))[:PLUGINS]
    return [_plugin(kind, name, tally.plugins[kind, name]) for kind, name in sorted(keys)]


def _plugin(kind: str, name: str, shades: Mapping[Shade, int]) -> Json:
    numbers = dict.fromkeys(Verdict, 0)
    for shade, pods in shades.items():
        numbers[shade.verdict] += pods
    return {
        "kind": kind,
        "name": name,
        "pods": sum(shades.values()),
        "ready": sum(pods for shade, pods in shades.items() if shade.is_ready),
        "failed": numbers[Verdict.FAILED],
        "degraded": numbers[Verdict.DEGRADED],
        **_reasons((s.reason, pods) for s, pods in shades.items() if s.verdict is not Verdict.READY),
    }


def _reasons(counts: Iterable[tuple[str, int]]) -> Json:
    """The field `reasons`, left out where it would be empty."""
    numbers: Counter[str] = Counter()
    for reason, pods in counts:
        numbers[reason] += pods
    return (
        {"reasons": [{"reason": reason, "pods": pods} for reason, pods in sorted(numbers.items())]} if numbers else {}
    )


def _failure(fault: Fault, pod: str, message: str) -> Json:
    of = {"kind": fault.kind, "name": fault.name} if fault.kind else {}
    return {"pod": pod, **of, "reason": fault.reason, "message": message}


def _has(shades: Mapping[Shade, int], verdict: Verdict) -> bool:
    return any(shade.verdict is verdict for shade in shades)


@cache
def _schema() -> Json:
    schema: Json = open_api_schema(PLUGIN_CONFIGS)["properties"]["status"]
    return schema
