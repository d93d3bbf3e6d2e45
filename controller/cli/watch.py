"""`pluginmgr watch`: what hosts are told, as they are told it."""

import argparse
from typing import TYPE_CHECKING

from controller.cli.options import add_run_dir, command

if TYPE_CHECKING:
    from controller.cli.options import Subparsers


def add_parser(subparsers: "Subparsers") -> None:
    """Declare the command."""
    parser = command(subparsers, "watch", "show what hosts are told of the plugins, as it comes")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default: %(default)s")
    add_run_dir(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Until it is interrupted."""
    import asyncio

    from controller.cli.watch_messages import watch

    asyncio.run(watch(args.run_dir, args.output))
    return 0
