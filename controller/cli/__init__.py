"""The command line: one file per command, each with `add_parser` and `run`.

A command's module imports at its top what every interpreter has loaded anyway; all else is imported in its `run`, so
that `pluginmgr --help` and a typing error cost nothing. No behaviour of the controller is in here.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from controller.errors import PluginmgrError

COMMANDS = ("run", "status", "logs", "history", "restart", "call", "watch", "check", "validate", "aggregate")
EPILOG = """\
exit codes:
  0  done; all that is wanted is ready; fit
  1  found unfit: something wanted is not ready, an invalid document, a binary that is no plugin,
     a call that failed
  2  bad usage or bad config
  3  no controller answers
  4  state or run directory unusable, or in use by another controller
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; what is expected to go wrong is one line on stderr."""
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # else its core writes to stderr whenever a server hangs up
    args = _parse(argv)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except PluginmgrError as error:
        print(f"pluginmgr: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # `| head` has seen enough; stdout is replaced so that the interpreter's last flush does not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13
    except KeyboardInterrupt:
        return 128 + 2
    return code


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Take arguments before and behind options: argparse lets go of those behind where their number is open."""
    parser = _parser()
    args, left = parser.parse_known_args(argv)
    if left and (not hasattr(args, "items") or any(each.startswith("-") and each != "-" for each in left)):
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    if left:
        args.items += left
    return args


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pluginmgr",
        description="Keeps go-plugin subprocesses running as a PluginConfig says.",
        epilog=EPILOG,
        formatter_class=_Help,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        importlib.import_module(f"controller.cli.{command}").add_parser(subparsers)
    return parser


class _Help(argparse.RawDescriptionHelpFormatter):
    """Leaves room for the longest command: argparse measures commands without their indentation."""

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        self._action_max_length = max(self._action_max_length, 4 + max(map(len, COMMANDS)))


class _Version(argparse.Action):
    """Looks the version up only when asked for: the metadata's reader is slow to import."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="show the version and exit")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from controller.cli.version import version

        print(f"pluginmgr {version()}")
        parser.exit()
