#!/usr/bin/env python3
"""prod-accounts is a matcher: only what happens in production is worth an alert."""

from typing import Any

from controller.kinds import Matcher, serve


class ProdAccounts(Matcher):
    """Passes events of the environments and accounts that `config` of the PluginConfig lists."""

    name = "prod-accounts"
    display_name = "Production accounts"
    description = "Passes events of production"
    version = "1.0.0"

    def match(self, event: dict[str, Any]) -> bool:
        """Say whether the event is from there."""
        environments = self.config.get("environments", ["prod"])
        return event.get("environment") in environments or event.get("account") in self.config.get("accounts", [])


if __name__ == "__main__":
    serve(ProdAccounts())
