"""Which pluginmgr this is, for `--version`, the status document and the metrics."""

from importlib import metadata


def version() -> str:
    """The installed distribution's version; of a checkout that is not installed nobody knows."""
    try:
        return metadata.version("pluginmgr")
    except metadata.PackageNotFoundError:
        return "unknown"
