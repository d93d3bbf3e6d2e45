"""All that hosts need of this library, behind one name, so that a plugin need not import it: see `__init__`."""

from controller.goplugin.chain import Command, Limits
from controller.goplugin.failures import Failure, HealthError, LaunchError, ProcessExit
from controller.goplugin.family import become_subreaper, descendants, reap_adopted, sweep
from controller.goplugin.handshake import Handshake
from controller.goplugin.launcher import launch
from controller.goplugin.logs import Record, Stream
from controller.goplugin.prctl import set_not_dumpable
from controller.goplugin.session import Session, Timings
from controller.goplugin.ticker import HealthTicker, Schedule, Ward
from controller.goplugin.transport import CallError, Channel, open_channel

__all__ = [
    "CallError",
    "Channel",
    "Command",
    "Failure",
    "Handshake",
    "HealthError",
    "HealthTicker",
    "LaunchError",
    "Limits",
    "ProcessExit",
    "Record",
    "Schedule",
    "Session",
    "Stream",
    "Timings",
    "Ward",
    "become_subreaper",
    "descendants",
    "launch",
    "open_channel",
    "reap_adopted",
    "set_not_dumpable",
    "sweep",
]
