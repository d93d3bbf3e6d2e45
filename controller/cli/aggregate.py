"""`pluginmgr aggregate`: one summary of all pods in each PluginConfig's status."""

import argparse
import os
from typing import TYPE_CHECKING

from controller.cli.options import add_http, add_kubeconfig, add_log_format, command
from controller.errors import PluginmgrError

if TYPE_CHECKING:
    from controller.cli.options import Subparsers


def add_parser(subparsers: "Subparsers") -> None:
    """Declare the command."""
    parser = command(subparsers, "aggregate", "sum up what all pods say in the status of each PluginConfig")
    parser.add_argument("--namespace", metavar="NS", help="whose PluginConfigs (default: that of the credentials)")
    add_http(parser)
    add_kubeconfig(parser)
    add_log_format(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Return when a signal has ended it and the lease is given back."""
    import signal

    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))  # none is lost before the loop takes it
    try:
        from controller.app.aggregate import aggregate
    except ModuleNotFoundError as error:
        raise PluginmgrError(f"there is no {error.name}: install pluginmgr[cluster]") from error
    from controller.cli.logs_format import configure

    configure(args.log_format)
    return aggregate(args.namespace, args.http, args.kubeconfig, os.environ)
