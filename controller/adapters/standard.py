"""The adapter for any go-plugin plugin: the item is the channel itself, and the plugin reports nothing."""

from controller.goplugin import Channel
from controller.manager.adapter import Dispensed


class StandardAdapter:
    """Makes no call: a plugin whose services nobody here knows is up once its health check says so."""

    async def dispense(self, channel: Channel) -> Dispensed[Channel]:
        """Hand the channel on."""
        return Dispensed(item=channel)
