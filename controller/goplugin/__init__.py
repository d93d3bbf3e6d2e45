"""HashiCorp go-plugin's gRPC protocol, host side: a library of its own that knows nothing of this product."""

from controller.goplugin.chain import Command, Limits
from controller.goplugin.descendants import become_subreaper, descendants, reap_adopted, sweep
from controller.goplugin.failures import Failure, HealthError, LaunchError, ProcessExit
from controller.goplugin.handshake import Handshake
from controller.goplugin.launch import launch
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
