"""`pluginmgr run`: the controller itself."""

import argparse
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from controller.cli import defaults
from controller.cli.options import add_http, add_kubeconfig, add_log_format, add_state_dir, command

if TYPE_CHECKING:
    from controller.cli.options import Subparsers


def add_parser(subparsers: "Subparsers") -> None:
    """Declare the command."""
    parser = command(subparsers, "run", "run the controller: keep the plugins running as the config says")
    parser.add_argument(
        "--plugin-dir", type=Path, required=True, metavar="DIR", help="the plugin volume: one directory per kind"
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--config", type=Path, metavar="FILE", help="a PluginConfig document; no cluster is needed")
    source.add_argument("--pluginconfig", type=_name, metavar="NAME", help="a PluginConfig object of the cluster")
    parser.add_argument("--namespace", metavar="NS", help="its namespace (default: the pod's)")
    add_kubeconfig(parser)
    add_state_dir(parser)
    parser.add_argument(
        "--run-dir",
        type=Path,
        metavar="DIR",
        default=defaults.run_dir(os.environ),
        help="where the plugins' sockets are, shared with hosts (default: %(default)s)",
    )
    add_http(parser)
    parser.add_argument(
        "--grace",
        type=_seconds,
        metavar="SECONDS",
        default=defaults.GRACE_SECONDS,
        help="from SIGTERM until nothing is left (default: %(default)g)",
    )
    parser.add_argument(
        "--secrets-dir",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="`fromFile` may read below it; may be given several times",
    )
    add_log_format(parser)
    parser.set_defaults(run=run, usage_error=parser.error)


def run(args: argparse.Namespace) -> int:
    """Return when a signal has ended it and nothing is left."""
    for option in ("namespace", "kubeconfig"):
        if getattr(args, option) is not None and args.pluginconfig is None:
            args.usage_error(f"argument --{option}: only with --pluginconfig")
    import signal

    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))  # none is lost before the loop takes it
    from controller.app.main import main
    from controller.cli.logs_format import configure
    from controller.settings import Settings

    configure(args.log_format)
    return main(
        Settings(
            plugin_dir=args.plugin_dir,
            state_dir=args.state_dir,
            run_dir=args.run_dir,
            config=args.config,
            pluginconfig=args.pluginconfig,
            namespace=args.namespace,
            kubeconfig=args.kubeconfig,
            http=args.http,
            grace=args.grace,
            secrets_dirs=tuple(args.secrets_dir),
        )
    )


def _name(value: str) -> str:
    """The shipped manifests take it from a label of the pod, and one that is not there is no name."""
    if not value:
        raise argparse.ArgumentTypeError("empty; in a pod: has it the label pluginmgr.dev/config?")
    return value


def _seconds(value: str) -> float:
    seconds = float(value)
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(value)
    return seconds
