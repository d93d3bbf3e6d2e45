"""What shall run: one plugin's flags joined with its file and with what was learnt of its versions (rules 6-9).

Pure functions of their arguments; None means undecided: whatever was decided before stays. That the config is paused,
or that everything ends, is the caller's business (`scope`).
"""

from controller.core.model import (
    Binary,
    Decision,
    Digest,
    Directory,
    Duplicate,
    Launch,
    Off,
    PluginSpec,
    Problem,
    Refused,
    SecretUnavailable,
    Target,
    Version,
    YamlRejected,
)
from controller.core.reasons import Reason


def natural(spec: PluginSpec, directory: Directory | None, name: str, restart: int) -> Decision | None:
    """Decide by flags and files alone.

    Nothing is told by a directory not scanned yet, or missing, nor by a file that is being written. Only
    `enabled: false` can be obeyed without it.
    """
    if directory is None or not directory.tells_of(name):
        return None if spec.enabled else Off(Reason.DISABLED)
    binary = directory.binaries.get(name)
    if binary is None:
        return without_binary(spec, directory.problems.get(name))
    return of_binary(spec, binary, restart) if spec.enabled else Off(Reason.DISABLED)


def without_binary(spec: PluginSpec, problem: Problem | None) -> Refused | Off:
    """Decide about a file that is not there, or is there and cannot be taken."""
    if problem is None:
        return Off(Reason.REMOVED)
    return Refused(problem.reason, problem.message) if spec.enabled else Off(Reason.DISABLED)


def of_binary(spec: PluginSpec, binary: Binary, restart: int) -> Target | Refused:
    """Decide about bytes that are there: pins first, then whether its environment is complete."""
    if not is_pinned(spec, binary.digest):
        message = f"bytes {binary.digest[:12]} on the volume are not among the {len(spec.pins)} pinned digests"
        return Refused(Reason.DIGEST_MISMATCH, message)
    match spec.launch:
        case SecretUnavailable(message):
            return Refused(Reason.SECRET_UNAVAILABLE, message)
        case YamlRejected(message):
            return Refused(Reason.YAML_REJECTED, message)
        case Launch() as launch:  # pragma: no branch - a closed union
            return Target(Version(binary.digest, launch.id, restart), binary, launch)


def is_pinned(spec: PluginSpec, digest: Digest) -> bool:
    """Tell whether the pins allow these bytes; without pins any bytes are."""
    return not spec.pins or digest in spec.pins


def rolled_back(target: Target, spec: PluginSpec, held: Version | None, last_good: Target | None) -> Target:
    """Return the last good version where the wanted one is held and the pins allow to go back (rule 6)."""
    if target.version != held or last_good is None or not is_pinned(spec, last_good.version.digest):
        return target
    return last_good


def refusal(duplicate: Duplicate) -> Refused:
    """Say why a plugin is refused over its id."""
    return Refused(Reason.DUPLICATE_ID, f"reports the id {duplicate.id!r}, which {duplicate.holder} holds")


def can_roll_back(version: Version, spec: PluginSpec, last_good: Target | None) -> bool:
    """Tell whether there is another version to go back to that the pins allow."""
    if last_good is None or not is_pinned(spec, last_good.version.digest):
        return False
    good = last_good.version
    return (good.digest, good.launch) != (version.digest, version.launch)
