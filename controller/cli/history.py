"""`pluginmgr history`: what happened and when, with reasons."""

import argparse
from typing import TYPE_CHECKING

from controller.cli.options import add_state_dir, command, plugin_key

if TYPE_CHECKING:
    from controller.cli.options import Subparsers


def add_parser(subparsers: "Subparsers") -> None:
    """Declare the command."""
    parser = command(subparsers, "history", "show what happened to the plugins, and why")
    parser.add_argument("plugin", nargs="?", type=plugin_key, metavar="KIND/NAME", help="only of this one plugin")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default: %(default)s")
    add_state_dir(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Oldest first."""
    from controller.cli.client import Controller, path_of
    from controller.cli.records import history_line, write

    answer = Controller(args.state_dir).get(path_of("history", args.plugin) if args.plugin else "/history")
    write(answer["items"], args.output, history_line)
    return 0
