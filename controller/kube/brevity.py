"""A document that is too large for the API server told more briefly, the least needed left out first. Pure.

etcd takes 1.5 MiB as it is set up everywhere, the object's metadata included.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from controller.core.reasons import Reason
from controller.kube.bounds import shortened
from controller.kube.manifest import encoded

SPACIOUS: Final = 512 * 1024  # bytes; more is told more briefly
MOST: Final = 1_000_000  # bytes; rather than more, plugins are left out
CONDITIONS: Final = 16  # the schema's bound
PLUGINS: Final = 4096  # the same
MESSAGE: Final = 256  # characters
NOTE: Final = 64
KEPT: Final = ("kind", "name", "state", "reason", "message", "required", "workers", "restarts", "conditions")

Json = dict[str, Any]


def brief(document: Json, most: int, at: str) -> tuple[bytes, bool]:
    """Return the document in the form that is sent, in about `most` bytes, and whether something was left out.

    What that is, the condition Truncated tells, which began at the time `at`.
    """
    body, said = encoded(document), []
    for phrase, shorten in STEPS:
        if len(body) <= min(SPACIOUS, most):
            break
        said.append(phrase)
        plugins = [shorten(plugin) for plugin in document["status"]["plugins"]]
        document = _told(document, plugins, said, at)
        body = encoded(document)
    plugins = document["status"]["plugins"]
    if len(body) > most or len(plugins) > PLUGINS:
        kept = _fewer(plugins, len(body) - most)
        said.append(f"{len(plugins) - len(kept)} plugins are left out")
        body = encoded(_told(document, kept, said, at))
    return body, bool(said)


def _without_logs(plugin: Json) -> Json:
    return {field: value for field, value in plugin.items() if field != "logs"}


def _with_short_messages(plugin: Json, limit: int = MESSAGE) -> Json:
    return _messages(plugin, lambda text: shortened(text, limit))


def _well_in_short(plugin: Json) -> Json:
    return _in_short(plugin) if _is_well(plugin) else plugin


def _in_short(plugin: Json) -> Json:
    kept: Json = {field: plugin[field] for field in KEPT if field in plugin}
    kept["conditions"] = [each for each in plugin["conditions"] if each["type"] == "Ready" or each["status"] == "True"]
    return _with_short_messages(kept, NOTE)


STEPS: Final[tuple[tuple[str, Callable[[Json], Json]], ...]] = (
    ("log lines are left out", _without_logs),
    ("messages are cut", _with_short_messages),
    ("plugins that are well are told in short", _well_in_short),
    ("so are all others", _in_short),
)


def _fewer(plugins: list[Json], excess: int) -> list[Json]:
    """Leave out plugins of `excess` bytes, and what is more than PLUGINS: those that are well first, the last first."""
    gone: set[int] = set()
    for number in sorted(range(len(plugins)), key=lambda number: (_is_well(plugins[number]), number), reverse=True):
        if excess <= 0 and len(plugins) - len(gone) <= PLUGINS:
            break
        gone.add(number)
        excess -= len(encoded(plugins[number])) + 1
    return [plugin for number, plugin in enumerate(plugins) if number not in gone]


def _told(document: Json, plugins: list[Json], said: Iterable[str], at: str) -> Json:
    status = document["status"]
    condition = {
        "type": "Truncated",
        "status": "True",
        "reason": str(Reason.STATUS_TOO_LARGE),
        "message": f"{', '.join(said)}; `pluginmgr status` in the pod tells all",
        "lastTransitionTime": at,
    }
    others = [each for each in status["conditions"] if each["type"] != "Truncated"]
    conditions = [*others[: CONDITIONS - 1], condition]
    return {**document, "status": {**status, "conditions": conditions, "plugins": plugins}}


def _is_well(plugin: Json) -> bool:
    """Whether it is ready and nothing is wrong with it."""
    statuses = {each["type"]: each["status"] for each in plugin["conditions"]}
    return statuses.get("Ready") == "True" and statuses.get("Degraded") != "True"


def _messages(plugin: Json, change: Callable[[str], str]) -> Json:
    changed = {**plugin, "conditions": [{**each, "message": change(each["message"])} for each in plugin["conditions"]]}
    if "message" in plugin:
        changed["message"] = change(plugin["message"])
    if "lastExit" in plugin:
        changed["lastExit"] = {**plugin["lastExit"], "message": change(plugin["lastExit"].get("message", ""))}
    return changed
