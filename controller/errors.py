"""The errors that cross module borders; each says in one line which, why and what to look at."""


class PluginmgrError(Exception):
    """Base of every expected failure. `exit_code` is what the command line ends with (design: section 9)."""

    exit_code = 2


class ConfigError(PluginmgrError):
    """A PluginConfig that cannot be used."""


class StateDirError(PluginmgrError):
    """State or run directory unusable, or in use by another controller."""

    exit_code = 4


class NoControllerError(PluginmgrError):
    """Nobody answers on the control socket."""

    exit_code = 3


class StatusNotWrittenError(PluginmgrError):
    """The status document could not be written; `retry_after` is when, in seconds, a new try makes sense."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
