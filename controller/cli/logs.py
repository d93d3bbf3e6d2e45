"""`pluginmgr logs`: what one plugin wrote, out of the controller's ring."""

import argparse
from typing import TYPE_CHECKING

from controller.cli.options import add_state_dir, command, plugin_key

if TYPE_CHECKING:
    from controller.cli.options import Subparsers


def add_parser(subparsers: "Subparsers") -> None:
    """Declare the command."""
    parser = command(subparsers, "logs", "show the last lines that a plugin wrote")
    parser.add_argument("plugin", type=plugin_key, metavar="KIND/NAME")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("-f", "--follow", action="store_true", help="go on with each line as it comes")
    which.add_argument("-p", "--previous", action="store_true", help="only of workers that are gone")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default: %(default)s")
    add_state_dir(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit code 1 if there is no such plugin."""
    from controller.cli.client import Controller, path_of
    from controller.cli.records import log_line, write

    flags = [flag for flag in ("follow", "previous") if getattr(args, flag)]
    records = Controller(args.state_dir).lines(path_of("logs", args.plugin, *flags))
    write(records, args.output, log_line)
    return 0
