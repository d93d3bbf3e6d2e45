"""What on a volume may be a plugin, told from names and metadata alone; no file is opened here.

The rules are those of the design (section 5): a regular executable file directly in its kind's directory. An entry that
an operator may have meant as a plugin is refused with a Problem; everything else is passed over in silence, since
dotfiles and half-copied `*.part` files live beside the binaries. YAML files do too: they are documents, whatever their
mode, for a ConfigMap's are often executable.
"""

import os
import re
import stat
from dataclasses import dataclass

from controller.core.model import Problem
from controller.core.reasons import Reason

Identity = tuple[int, int, int, int, int]
"""Device, inode, size, mtime and ctime in ns: equal ones mean equal bytes. A bare tuple, for a rescan makes 10,000."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
UNFINISHED = (".tmp", ".part")
YAML = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Found:
    """A directory entry that is new, or not as it was. `status` is of the file that a link leads to."""

    name: str
    status: os.stat_result
    is_link: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that is a plugin, once it is settled. `source` is `path` with links resolved."""

    name: str
    path: str
    source: str
    identity: Identity
    mtime: float


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file, to be read once it is settled; a Problem where it must not be."""

    file: Candidate | Problem


class Ignored:
    """Not a plugin, and nobody would take it for one."""


def identity_of(status: os.stat_result) -> Identity:
    """Return what changes whenever the bytes or the permissions do."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def is_hidden(name: str) -> bool:
    """Say whether the name alone keeps an entry from being looked at."""
    return name.startswith(".") or name.endswith(UNFINISHED)


def is_document(name: str) -> bool:
    """Say whether a file of this name is a text about a plugin, and never one itself."""
    return name.endswith(YAML)


def printable(name: str) -> str:
    r"""Return a file name that any log or document can carry; bytes that are not UTF-8 become `\xNN`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def is_inside(path: str, volume: str) -> bool:
    """Say whether `path` is `volume` or below it; both are already resolved."""
    return path == volume or path.startswith(volume.rstrip("/") + "/")


def judge(found: Found, directory: str, volume: str) -> Candidate | Document | Problem | Ignored:
    """Decide what an entry is. `volume` is the resolved root that no link may lead out of."""
    if is_hidden(found.name) or not stat.S_ISREG(found.status.st_mode):
        return Ignored()
    if is_document(found.name):
        is_named = NAME.fullmatch(found.name)
        return Document(_candidate(found, directory, volume, Reason.YAML_REJECTED)) if is_named else Ignored()
    if not found.status.st_mode & 0o111:
        return Ignored()
    if not NAME.fullmatch(found.name):
        shown = printable(found.name)
        text = f"'{shown}' is no name for a plugin: letters, digits, '.', '_' and '-', at most 253"
        return Problem(Reason.NOT_A_PLUGIN_FILE, text)
    return _candidate(found, directory, volume, Reason.NOT_A_PLUGIN_FILE)


def _candidate(found: Found, directory: str, volume: str, refusal: Reason) -> Candidate | Problem:
    path = source = f"{directory}/{found.name}"
    if found.is_link:
        source = os.path.realpath(path)
        if not is_inside(source, volume):
            return Problem(refusal, f"{path} is a link that leaves the volume: {printable(source)}")
    return Candidate(found.name, path, source, identity_of(found.status), found.status.st_mtime)
