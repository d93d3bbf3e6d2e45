"""`pluginmgr validate FILE...`: every error of every file with its line, before anything runs by it."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:  # the library behind it is loaded by `run`, not by `--help`
    from controller.config import Document, Finding

OK, UNFIT, UNREADABLE = 0, 1, 2
STDIN = "-"


class _Verdict(NamedTuple):
    """About one file: fit with a document, unfit with findings, or unreadable with a reason."""

    file: str
    document: "Document | None" = None
    findings: "tuple[Finding, ...]" = ()
    unreadable: str = ""

    @property
    def code(self) -> int:
        if self.document:
            return OK
        return UNREADABLE if self.unreadable else UNFIT


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "validate",
        help="check PluginConfig files",
        description="Checks PluginConfig files against the schema that the controller and the API server use."
        " Prints every error as file:line:column: field: message. A field that is not known is an error here;"
        " a running controller only warns of it.",
        epilog="Exit code: 0 all fit, 1 an unfit file, 2 a file that cannot be read.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a YAML or JSON file, or - for standard input")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default: text")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check the files; the answer is the exit code, the worst of all."""
    verdicts = [_judge(file) for file in args.files]
    if args.output == "json":
        import json

        print(json.dumps({"files": [_as_json(verdict) for verdict in verdicts]}, indent=2))
    else:
        for verdict in verdicts:
            _print(verdict)
    return max(verdict.code for verdict in verdicts)


def _judge(file: str) -> _Verdict:
    from controller.config import DocumentError, parse

    try:
        raw = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    except OSError as error:
        return _Verdict(file, unreadable=error.strerror or str(error))
    try:
        return _Verdict(file, parse(raw, source="standard input" if file == STDIN else file, strict=True))
    except DocumentError as error:
        return _Verdict(file, findings=error.findings)


def _print(verdict: _Verdict) -> None:
    if verdict.unreadable:
        print(f"{verdict.file}: cannot be read: {verdict.unreadable}", file=sys.stderr)
    for finding in verdict.findings:
        print(finding)
    if verdict.document:
        print(f"{verdict.file}: {_summary(verdict.document)}")


def _summary(document: "Document") -> str:
    kinds = document.data["spec"]["kinds"]
    plugins = sum(len(kind.get("plugins", ())) for kind in kinds)
    name = document.data["metadata"]["name"]
    return f"PluginConfig {name} is fit (kinds: {len(kinds)}, plugins named: {plugins})"


def _as_json(verdict: _Verdict) -> dict[str, Any]:
    return {
        "file": verdict.file,
        "result": {OK: "fit", UNFIT: "unfit", UNREADABLE: "unreadable"}[verdict.code],
        "message": verdict.unreadable or (_summary(verdict.document) if verdict.document else ""),
        "findings": [
            {
                "line": finding.position.line if finding.position else None,
                "column": finding.position.column if finding.position else None,
                "field": finding.field,
                "message": finding.message,
            }
            for finding in verdict.findings
        ],
    }
