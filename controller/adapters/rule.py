"""The adapter for rules, which may have a YAML file beside their binary: it then says what GetMetadata would."""

from collections.abc import Mapping
from typing import Any

from controller.adapters import rule_sidecar
from controller.adapters.bundled import BundledAdapter
from controller.kinds import Rule
from controller.kinds.pb.rule_pb2_grpc import RuleStub
from controller.manager.adapter import Plugin


class RuleAdapter(BundledAdapter):
    """Gives hosts a `RuleStub`."""

    kind = Rule.kind
    stub = RuleStub
    plugin_key = "rule"
    magic_value = kind.cookie_value

    def sidecar(self, text: str) -> Mapping[str, Any]:
        """Read it by the field names of blink's pluginmgr."""
        return rule_sidecar.parse(text)

    def is_enabled(self, plugin: Plugin) -> bool | None:
        """As the YAML says, where there is one."""
        return plugin.enabled if plugin.metadata else None

    def workers(self, plugin: Plugin) -> int | None:
        """`max_procs` of the YAML, unless it is 0."""
        return plugin.metadata.get("max_procs") or None
