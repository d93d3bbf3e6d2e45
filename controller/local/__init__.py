"""The local mode's two ends: the config file watched, the status file written. Nothing of Kubernetes."""

from controller.local.config_file import ConfigFile
from controller.local.status_file import StatusFile

__all__ = ["ConfigFile", "StatusFile"]
