"""The names that the API server, the manifests and people know us by. Constants only."""

from typing import Final

GROUP: Final = "pluginmgr.dev"
VERSION: Final = "v1alpha1"
CONFIGS: Final = "pluginconfigs"
CONFIG_KIND: Final = "PluginConfig"
STATUSES: Final = "pluginpodstatuses"
SIDECAR_MANAGER: Final = "pluginmgr-sidecar"
AGGREGATOR_MANAGER: Final = "pluginmgr-aggregator"
CONFIG_LABEL: Final = "pluginmgr.dev/config"  # on a status: the name of the config that its pod follows
