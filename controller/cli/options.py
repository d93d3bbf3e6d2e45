"""Arguments that several commands share, so that they read the same everywhere."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from controller.cli import defaults

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse has no public name for it


def command(subparsers: "Subparsers", name: str, text: str) -> argparse.ArgumentParser:
    """A command's parser: `text` is its one line in the list and the head of its own help."""
    return subparsers.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)


def add_state_dir(parser: argparse.ArgumentParser) -> None:
    """`--state-dir`, where the controller's socket is."""
    parser.add_argument(
        "--state-dir",
        type=Path,
        metavar="DIR",
        default=defaults.state_dir(os.environ, os.getuid()),
        help="the controller's state directory (default: %(default)s)",
    )


def add_run_dir(parser: argparse.ArgumentParser) -> None:
    """`--run-dir`, where the registry's socket is."""
    parser.add_argument(
        "--run-dir",
        type=Path,
        metavar="DIR",
        default=defaults.run_dir(os.environ),
        help="the controller's run directory (default: %(default)s)",
    )


def add_kubeconfig(parser: argparse.ArgumentParser) -> None:
    """`--kubeconfig`, for those that follow a cluster."""
    parser.add_argument(
        "--kubeconfig",
        type=Path,
        metavar="FILE",
        help="how to reach the cluster (default: the pod's service account, outside a pod what kubectl would take)",
    )


def add_http(parser: argparse.ArgumentParser) -> None:
    """`--http`, for those that run until they are told to end."""
    parser.add_argument(
        "--http",
        metavar="HOST:PORT",
        default=defaults.HTTP,
        help="where /livez, /readyz and /metrics answer (default: %(default)s; port 0: any free one)",
    )


def add_log_format(parser: argparse.ArgumentParser) -> None:
    """`--log-format`, for the same."""
    parser.add_argument("--log-format", choices=("json", "text"), default="json", help="default: %(default)s")


def plugin_key(value: str) -> str:
    """Parse KIND/NAME."""
    kind, slash, name = value.partition("/")
    if not (kind and slash and name) or "/" in name:
        raise argparse.ArgumentTypeError(f"{value!r} is not KIND/NAME")
    return value
