"""What an embedded manager runs, as a PluginConfig of one kind: checked and resolved by the same code as the sidecar's.

The embedder's mapping has the kind's `handshake`, `defaults` and `plugins`; the rest stands in the other arguments.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.config import Document, from_object, resolve
from controller.config.schema import GROUP_VERSION, KIND
from controller.errors import ConfigError
from controller.manager.adapter import PluginAdapter
from controller.manager.engine import Sources

NAMELESS = "plugin"  # the kind of an adapter that names none
FIELDS = ("handshake", "defaults", "plugins")


@dataclass(frozen=True, slots=True)
class OneKind:
    """One adapter's plugins, all in one directory."""

    adapter: PluginAdapter[Any]
    directory: Path
    secrets_dirs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The kind's name, and its adapter's."""
        return self.adapter.plugin_key or NAMELESS

    def document(self, fields: Mapping[str, Any]) -> Document:
        """The fields as a document that has passed every check; raises ConfigError."""
        if strangers := sorted(set(fields) - set(FIELDS)):
            raise ConfigError(f"config has {', '.join(strangers)}; it may have {', '.join(FIELDS)}")
        try:
            plain = json.loads(json.dumps(fields, default=dict))
        except (TypeError, ValueError) as error:
            raise ConfigError(f"config cannot be written as JSON: {error}") from error
        kind = {"name": self.name, "directory": ".", "adapter": self.name, **self._handshake(), **plain}
        head = {"apiVersion": GROUP_VERSION, "kind": KIND, "metadata": {"name": "embedded"}}
        document = from_object({**head, "spec": {"kinds": [kind]}}, source="config", strict=True)
        resolve(document, plugin_dir="/", environ={}, secrets_dirs=(), adapters={self.name: None})
        return document

    def sources(self) -> Sources:
        """Where an engine finds all of it."""
        return Sources(self.directory, self.secrets_dirs, lambda _: self.adapter, {self.name: None})

    def _handshake(self) -> dict[str, Any]:
        """What the adapter brings; without a cookie's value the config must say it."""
        adapter = self.adapter
        if not adapter.magic_value:
            return {}
        versions = list(adapter.protocol_versions)
        cookie = {"cookieKey": adapter.cookie_key, "cookieValue": adapter.magic_value}
        return {"handshake": {**cookie, "protocolVersions": versions}}
