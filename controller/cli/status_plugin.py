"""All of one plugin, for people: what it is, what holds of it, its processes, its last lines. Pure, as the table is."""

from collections.abc import Iterator
from datetime import datetime

from controller.cli.status_table import Document, last_exit, memory, name, ready, state
from controller.cli.terminal import BOLD, Cell, Page, printable
from controller.cli.times import since, until

INDENT = "  "


def lines(plugin: Document, page: Page, at: datetime) -> list[str]:
    """Every line of it."""
    return [
        *page.table([(Cell(title, BOLD), text) for title, text in _facts(plugin, at)]),
        *_section("Conditions", _conditions(plugin, page, at), page),
        *_section("Processes", _processes(plugin, page), page),
        *_section("Last lines", [printable(str(line)) for line in plugin.get("logs") or ()], page),
    ]


def _facts(plugin: Document, at: datetime) -> Iterator[tuple[str, Cell | str]]:
    how = plugin.get("lastExit") or {}
    yield "Plugin", name(plugin)
    yield "State", state(plugin)
    yield "Why", str(plugin.get("message") or "")
    yield "Ready", f"{ready(plugin)}{', required' if plugin.get('required') else ''}"
    if plugin.get("id") or plugin.get("displayName"):
        yield "Reported id", " ".join(str(plugin[key]) for key in ("id", "displayName") if plugin.get(key))
    yield "Serving", str(plugin.get("servingDigest") or "")
    yield "Target", str(plugin.get("targetDigest") or "")
    yield "Restarts", str(plugin.get("restarts", 0))
    yield "Last exit", ": ".join(part for part in (last_exit(plugin, at), str(how.get("message") or "")) if part)
    yield "Next retry", until(plugin.get("nextRetry"), at)


def _conditions(plugin: Document, page: Page, at: datetime) -> list[str]:
    return page.table(
        (each["type"], each["status"], each["reason"], since(each.get("lastTransitionTime"), at), each["message"])
        for each in plugin.get("conditions") or ()
    )


def _processes(plugin: Document, page: Page) -> list[str]:
    return page.table(
        (
            str(each["worker"]),
            f"pid {each['pid']}" if each.get("pid") else "no pid yet",
            str(each["phase"]),
            str(each.get("digest") or "")[:12],
            memory(each.get("memory")),
        )
        for each in plugin.get("processes") or ()
    )


def _section(title: str, body: list[str], page: Page) -> list[str]:
    return ["", page.paint(title, BOLD), *(INDENT + line for line in body)] if body else []
