"""The Notify of a controller without hosts: it writes each message to the log and drains at once.

Nobody else calls the plugins, so no call is in flight: a draining worker owes nothing. The registry takes this place
where hosts in other containers follow it.
"""

import logging

from controller.manager.host_messages import (
    HostMessage,
    RegisterMessage,
    RemoveMessage,
    UnregisterMessage,
    UpdateMessage,
)

log = logging.getLogger(__name__)


def announce(message: HostMessage) -> None:
    """Log one line for the message and answer its drains."""
    match message:
        case RegisterMessage(plugin, version, workers):
            log.info("registered", extra={"plugin": plugin, "digest": version.digest[:12], "workers": len(workers)})
        case UpdateMessage(plugin, version, workers, _, draining, on_drained):
            fields = {"plugin": plugin, "digest": version.digest[:12], "workers": len(workers)}
            log.info("updated", extra=fields | {"draining": len(draining)})
            for worker in draining:
                on_drained(worker)
        case UnregisterMessage(plugin, draining, on_drained) | RemoveMessage(plugin, draining, on_drained):
            text = "removed" if isinstance(message, RemoveMessage) else "unregistered"
            log.info(text, extra={"plugin": plugin, "draining": len(draining)})
            for worker in draining:
                on_drained(worker)
