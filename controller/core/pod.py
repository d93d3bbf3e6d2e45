"""What an operator reads about the pod as a whole: Ready, and what is wrong with config or volume.

Those of `FIXED` always stand; a problem of the volume or the store stands under its own reason while scans report it.
What only the shell can see, such as an API server that does not answer, comes as PodNoted.
"""

from typing import Final

from controller.core.conditions import Finding, dated
from controller.core.draft import Draft
from controller.core.events import ConfigMissing, ConfigRead, ConfigRejected, PodNoted, VolumeScanned
from controller.core.facts import Problem
from controller.core.reasons import Reason

FIXED: Final = (
    "Ready",
    "ConfigMissing",
    "ConfigRejected",
    "ConfigStale",
    "ApiUnreachable",
    "Paused",
    "VolumeMissing",
)


def note(draft: Draft, event: ConfigRead | ConfigRejected | ConfigMissing | PodNoted | VolumeScanned) -> None:
    """Write down what an event says about the pod."""
    match event:
        case ConfigRead(config):
            put(draft, absent("ConfigRejected"))
            put(draft, absent("ConfigMissing"))
            put(
                draft,
                ("Paused", True, Reason.PAUSED, "targets and counts are frozen") if config.paused else absent("Paused"),
            )
        case ConfigRejected(message):  # so there is one
            put(draft, absent("ConfigMissing"))
            put(draft, ("ConfigRejected", True, Reason.CONFIG_REJECTED, message))
        case ConfigMissing(message):
            put(draft, absent("ConfigRejected"))
            put(draft, ("ConfigMissing", True, Reason.CONFIG_MISSING, message))
        case PodNoted(kind, problem):
            put(draft, absent(kind) if problem is None else finding(kind, [problem]))
        case VolumeScanned():  # pragma: no branch - a closed union
            note_volume(draft, event)


def note_volume(draft: Draft, scan: VolumeScanned) -> None:
    """Replace what the last scan said."""
    missing = [directory.missing for _, directory in sorted(scan.directories.items()) if directory.missing is not None]
    found = {problem.reason for problem in scan.problems}
    draft.conditions = tuple(old for old in draft.conditions if old.type in FIXED or old.type in found)
    for reason in sorted(found - {Reason.VOLUME_MISSING}):
        put(draft, finding(reason, [problem for problem in scan.problems if problem.reason is reason]))
    missing += [problem for problem in scan.problems if problem.reason is Reason.VOLUME_MISSING]
    put(draft, finding("VolumeMissing", missing) if missing else absent("VolumeMissing"))


def finding(kind: str, problems: list[Problem]) -> Finding:
    """Return a condition for problems of one sort."""
    return (kind, True, problems[0].reason, "; ".join(problem.message for problem in problems))


def absent(kind: str) -> Finding:
    """Return that all is well in this respect."""
    return (kind, False, Reason.AS_EXPECTED, "")


def put(draft: Draft, finding: Finding) -> None:
    """Replace one condition, in its place if it has one; Ready comes first."""
    for number, old in enumerate(draft.conditions):
        if old.type == finding[0]:
            new = dated(finding, old, draft.clock.wall)
            if new is not old:
                draft.conditions = (*draft.conditions[:number], new, *draft.conditions[number + 1 :])
            return
    new = dated(finding, None, draft.clock.wall)
    draft.conditions = (new, *draft.conditions) if new.type == "Ready" else (*draft.conditions, new)


def readiness(draft: Draft, short: int) -> Finding:
    """Return whether everything wanted is ready."""
    if draft.shutdown_at is not None:
        return ("Ready", False, Reason.SHUTTING_DOWN, "the controller stops everything")
    if draft.config is None:
        return ("Ready", False, Reason.NO_CONFIG, "no config was read yet, nothing runs")
    if any(kind.directory not in draft.directories for kind in draft.kinds.values()):
        return ("Ready", False, Reason.NOT_ALL_READY, "the volume was not scanned yet")
    if short:
        return (
            "Ready",
            False,
            Reason.NOT_ALL_READY,
            f"{short} plugins are not ready" if short > 1 else "1 plugin is not ready",
        )
    return ("Ready", True, Reason.ALL_READY, "all wanted plugins are ready")
