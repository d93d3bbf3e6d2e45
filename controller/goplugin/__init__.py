"""HashiCorp go-plugin's gRPC protocol, both sides: a library of its own that knows nothing of this product.

A plugin needs `serve` alone. The host's side is loaded by the first use of one of its names: it would be a good part
of the time in which a plugin starts.
"""

from typing import TYPE_CHECKING, Any

from controller.goplugin.serve import Register, serve

if TYPE_CHECKING:
    from controller.goplugin.host import (
        CallError,
        Channel,
        Command,
        Failure,
        Handshake,
        HealthError,
        HealthTicker,
        LaunchError,
        Limits,
        ProcessExit,
        Record,
        Schedule,
        Session,
        Stream,
        Timings,
        Ward,
        become_subreaper,
        descendants,
        launch,
        open_channel,
        reap_adopted,
        set_not_dumpable,
        sweep,
    )
else:

    def __getattr__(name: str) -> Any:
        """Load the host's side, all at once."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from controller.goplugin import host  # noqa: PLC0415 - see above

        globals().update({each: getattr(host, each) for each in host.__all__})
        return globals()[name]


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
    "Register",
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
    "serve",
    "set_not_dumpable",
    "sweep",
]
