"""Answers over HTTP: probes and metrics for the cluster, the control socket for the command line.

Knows the rest only as `Views`. Takes no decision and holds no state but its connections.
"""

from controller.http.connection import Limits
from controller.http.control import Control
from controller.http.probes import Probes
from controller.http.server import listen_tcp, listen_unix, serve
from controller.http.views import Check, Checks, Health, Views

__all__ = ["Check", "Checks", "Control", "Health", "Limits", "Probes", "Views", "listen_tcp", "listen_unix", "serve"]
