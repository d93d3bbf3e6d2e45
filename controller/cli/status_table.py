"""The PluginPodStatus as a table: one plugin a line, what is wrong with the pod above. Pure: document in, lines out."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from controller.cli.terminal import BOLD, DIM, GREEN, RED, YELLOW, Cell, Page, Row, printable
from controller.cli.times import ago, since, until

COLOURS = {
    "Serving": GREEN,
    "Starting": YELLOW,
    "Updating": YELLOW,
    "BackingOff": YELLOW,
    "Draining": YELLOW,
    "Stopping": YELLOW,
    "RolledBack": YELLOW,
    "CrashLoop": RED,
    "Refused": RED,
    "Disabled": DIM,
    "Stopped": DIM,
    "Removed": DIM,
}
DIGEST_CHARACTERS = 12
MEBIBYTE = 1024 * 1024
HEAD = ("PLUGIN", "STATE", "READY", "VERSION", "RESTARTS", "LAST EXIT", "NEXT RETRY")
WIDE = ("ID", "PIDS", "MEMORY")
Document = Mapping[str, Any]


def lines(document: Document, page: Page, at: datetime, *, wide: bool = False) -> list[str]:
    """The whole table; `wide` adds columns."""
    status = document["status"]
    plugins = status["plugins"]
    head = (*HEAD, *(WIDE if wide else ()), "MESSAGE")
    rows = [tuple(Cell(title, BOLD) for title in head), *(_row(plugin, at, wide=wide) for plugin in plugins)]
    return [
        _summary(status, page, at),
        *(page.paint(line, RED) for line in troubles(status, at)),
        "",
        *(page.table(rows) if plugins else ["no plugins: no binary on the volume that the config knows a kind of"]),
    ]


def troubles(status: Document, at: datetime) -> Iterator[str]:
    """The pod's conditions that are not as they should be, but for what the table itself tells."""
    for condition in status.get("conditions", ()):
        if condition["reason"] != "NotAllReady" and condition["status"] != (
            "True" if condition["type"] == "Ready" else "False"
        ):
            text = f"! {condition['type']}: {condition['message']} ({condition['reason']}"
            age = since(condition.get("lastTransitionTime"), at)
            yield printable(f"{text}, for {age})" if age else f"{text})")


def name(plugin: Document) -> str:
    """`kind/name`."""
    return f"{plugin['kind']}/{plugin['name']}"


def version(plugin: Document) -> str:
    """The serving bytes, and where it is going if that is elsewhere."""
    serving, target = (str(plugin.get(key) or "")[:DIGEST_CHARACTERS] for key in ("servingDigest", "targetDigest"))
    return f"{serving}->{target}" if serving and target and serving != target else serving or target


def ready(plugin: Document) -> str:
    """`1/2`."""
    workers = plugin.get("workers") or {}
    return f"{workers.get('ready', 0)}/{workers.get('wanted', 0)}"


def last_exit(plugin: Document, at: datetime) -> str:
    """`Exited (code 1) 3s ago`."""
    how = plugin.get("lastExit")
    if not how:
        return ""
    detail = next((f" ({word} {how[word]})" for word in ("signal", "code") if how.get(word) is not None), "")
    return f"{how['reason']}{detail} {ago(how.get('at'), at)}".rstrip()


def memory(size: int | None) -> str:
    """In MiB, as kubectl does."""
    return f"{size / MEBIBYTE:.0f}Mi" if size else ""


def state(plugin: Document) -> Cell:
    """The one word, in its colour."""
    return Cell(plugin["state"], COLOURS.get(plugin["state"], ""))


def _summary(status: Document, page: Page, at: datetime) -> str:
    controller = status.get("controller") or {}
    parts = [
        page.paint(f"{status['summary']} ready", GREEN if status["ready"] else RED),
        f"generation {status['observedGeneration']}" if status.get("observedGeneration") is not None else "",
        f"controller {controller.get('version', '')} pid {controller.get('pid', '?')}",
        f"up {since(controller.get('startedAt'), at)}" if controller.get("startedAt") else "",
    ]
    return ", ".join(part for part in parts if part)


def _is_fine(plugin: Document) -> bool:
    workers = plugin.get("workers") or {}
    return plugin["state"] == "Serving" and bool(workers.get("ready", 0) >= workers.get("wanted", 0))


def _row(plugin: Document, at: datetime, *, wide: bool) -> Row:
    processes = plugin.get("processes") or ()
    more = (
        str(plugin.get("id") or ""),
        ",".join(str(process["pid"]) for process in processes if process.get("pid")),
        memory(sum(process.get("memory") or 0 for process in processes)),
    )
    return (
        name(plugin),
        state(plugin),
        ready(plugin),
        version(plugin),
        str(plugin.get("restarts", 0)),
        last_exit(plugin, at),
        until(plugin.get("nextRetry"), at),
        *(more if wide else ()),
        str(plugin.get("message") or "") if wide or not _is_fine(plugin) else "",
    )
