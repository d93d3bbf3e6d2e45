"""`pluginmgr call`: one call to a plugin of a bundled kind, as a host would make it."""

import argparse
import math
from typing import TYPE_CHECKING

from controller.cli.options import add_run_dir, command, plugin_key

if TYPE_CHECKING:
    from controller.cli.options import Subparsers

TIMEOUT = 10.0


def add_parser(subparsers: "Subparsers") -> None:
    """Declare the command."""
    parser = command(subparsers, "call", "call a plugin of a bundled kind, with events or alerts as JSON")
    parser.add_argument("plugin", type=plugin_key, metavar="KIND/NAME")
    parser.add_argument(
        "items", nargs="*", metavar="JSON", help="an object or a list of them; - for standard input (the default)"
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=TIMEOUT,
        metavar="SECONDS",
        help="for all of it (default: %(default)g)",
    )
    parser.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="json: one line an item (default: %(default)s)"
    )
    add_run_dir(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit code 1 if the call failed or an item has an error."""
    import asyncio
    import sys

    from controller.cli.call_plugin import call, items_of, write

    items = items_of(args.items or ["-"], sys.stdin)
    results = asyncio.run(call(args.run_dir, args.plugin, items, args.timeout))
    write(results, args.output)
    return 1 if any("error" in result for result in results) else 0


def _seconds(value: str) -> float:
    seconds = float(value)
    if not math.isfinite(seconds) or seconds <= 0:
        raise ValueError(value)
    return seconds
