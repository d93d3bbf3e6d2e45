"""`pluginmgr status`: what every plugin is doing and why, asked of the live controller."""

import argparse
from typing import TYPE_CHECKING

from controller.cli.options import add_state_dir, command, plugin_key

if TYPE_CHECKING:
    from controller.cli.options import Subparsers

READY, NOT_READY = 0, 1


def add_parser(subparsers: "Subparsers") -> None:
    """Declare the command."""
    parser = command(subparsers, "status", "show what every plugin is doing and why")
    parser.add_argument("plugin", nargs="?", type=plugin_key, metavar="KIND/NAME", help="all of this one plugin")
    parser.add_argument(
        "-o", "--output", choices=("table", "wide", "json", "yaml"), default="table", help="default: %(default)s"
    )
    parser.add_argument(
        "-w", "--watch", action="store_true", help="go on: redraw on a terminal, append what changes in a pipe"
    )
    add_state_dir(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit code 0 if all that is wanted is ready, else 1."""
    from controller.cli.client import Controller, path_of
    from controller.cli.status_output import is_ready, write
    from controller.cli.status_watch import watch

    controller = Controller(args.state_dir)
    path = path_of("plugins", args.plugin) if args.plugin else "/status"
    if args.watch:
        watch(lambda: controller.get(path), args.output)
    document = controller.get(path)
    write(document, args.output)
    return READY if is_ready(document) else NOT_READY
