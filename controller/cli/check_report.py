"""What `pluginmgr check` found, for people and for programs."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

from controller.cli.check_plugin import Report
from controller.cli.terminal import GREEN, RED, YELLOW, Page, page, printable

LABEL = 10


def write(report: Report, output: str) -> None:
    """To stdout."""
    if output == "json":
        print(json.dumps(asdict(report), indent=2, ensure_ascii=False))
    else:
        print("\n".join(lines(report, page(sys.stdout))))


def lines(report: Report, to: Page) -> Iterator[str]:
    """The verdict first, then what led to it."""
    verdict = to.paint("fit", GREEN) if report.fit else f"{to.paint('unfit', RED)}: {report.reason}"
    yield f"{report.binary}: {verdict}"
    if report.message:
        yield _line("why", report.message)
    for warning in report.warnings:
        yield to.paint(_line("warning", warning), YELLOW)
    if report.protocol_version is not None:
        yield _line("protocol", f"version {report.protocol_version} at {report.address}")
        yield _line("services", "not told (no reflection)" if report.services is None else ", ".join(report.services))
    if report.exit:
        yield _line("ended", report.exit)
    if report.milliseconds:
        yield _line("times", ", ".join(f"{phase} {time:g} ms" for phase, time in report.milliseconds.items()))
    if not report.fit:
        yield from (_line("output" if not index else "", text) for index, text in enumerate(report.output))


def _line(label: str, text: str) -> str:
    return f"  {label:{LABEL}}{printable(text)}"
