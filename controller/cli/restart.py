"""`pluginmgr restart`: fresh workers for one plugin, without a lost call."""

import argparse
from typing import TYPE_CHECKING

from controller.cli.options import add_state_dir, command, plugin_key

if TYPE_CHECKING:
    from controller.cli.options import Subparsers


def add_parser(subparsers: "Subparsers") -> None:
    """Declare the command."""
    parser = command(subparsers, "restart", "replace a plugin's workers by fresh ones, without a lost call")
    parser.add_argument("plugin", type=plugin_key, metavar="KIND/NAME")
    add_state_dir(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Return once the controller has taken the request; the exchange itself shows in `status --watch`."""
    from controller.cli.client import Controller, path_of

    Controller(args.state_dir).post(path_of("restart", args.plugin))
    print(f"{args.plugin}: fresh workers asked for")
    return 0
