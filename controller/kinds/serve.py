"""`serve`: what a plugin's program ends with."""

import json
import os
from pathlib import Path

from controller import goplugin
from controller.kinds.plugin import COOKIE_KEY, PROTOCOL_VERSION, Plugin
from controller.kinds.servicer import Servicer


def serve(plugin: Plugin) -> None:
    """Serve the plugin until its host stops it; returns then.

    Raises:
        SystemExit: 1, with the reason on stderr: no host has started this, or it cannot be served.
    """
    path = os.environ.get("PLUGINMGR_CONFIG")
    if path:
        plugin.config = json.loads(Path(path).read_text(encoding="utf-8"))
    servicer = Servicer(plugin)
    versions = {PROTOCOL_VERSION: servicer.register}
    goplugin.serve(COOKIE_KEY, plugin.kind.cookie_value, versions, on_stop=servicer.stop)
