"""`pluginmgr check`: launch one binary once and say whether it is fit, without any controller."""

import argparse
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from controller.cli.options import command

if TYPE_CHECKING:
    from controller.cli.options import Subparsers

FIT, UNFIT = 0, 1
START_SECONDS = 10.0


def add_parser(subparsers: "Subparsers") -> None:
    """Declare the command."""
    parser = command(subparsers, "check", "launch a plugin once: is it fit, and if not, why")
    parser.add_argument("binary", type=Path, metavar="BINARY")
    parser.add_argument(
        "--cookie", type=_assignment, metavar="KEY=VALUE", help="the magic cookie that the plugin expects"
    )
    parser.add_argument(
        "--protocol-version",
        type=int,
        action="append",
        metavar="N",
        dest="protocol_versions",
        help="a protocol version of the host; may be given several times (default: 1)",
    )
    parser.add_argument(
        "--env",
        type=_assignment,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="for the plugin's environment, which is empty but for PATH; may be given several times",
    )
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default: %(default)s")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit code 0 if the plugin is fit, 1 with a diagnosis if it is not."""
    import asyncio

    from controller.cli.check_plugin import Wanted, check
    from controller.cli.check_report import write

    wanted = Wanted(
        binary=args.binary,
        cookie=args.cookie,
        protocol_versions=tuple(args.protocol_versions or (1,)),
        env=dict(args.env),
        start_timeout=START_SECONDS,
    )
    try:
        report = asyncio.run(check(wanted))
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM
    write(report, args.output)
    return FIT if report.fit else UNFIT


def _assignment(value: str) -> tuple[str, str]:
    name, equals, text = value.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{value!r} is not NAME=VALUE")
    return name, text
