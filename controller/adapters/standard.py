"""The adapter for any go-plugin plugin: the item is the channel itself, and the plugin reports nothing."""

from controller.goplugin import Channel
from controller.manager.adapter import Dispensed, Plugin, PluginAdapter


class StandardAdapter(PluginAdapter[Channel]):
    """Makes no call: a plugin whose services nobody here knows is up once its health check says so."""

    async def handshake(self, stub: Channel, plugin: Plugin) -> Dispensed[Channel]:
        """Hand the channel on."""
        del plugin
        return Dispensed(item=stub)
