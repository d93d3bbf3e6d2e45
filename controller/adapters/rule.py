"""The adapter for rules, which may have a YAML file beside their binary: it then says what GetMetadata would."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import ParseDict

from controller.adapters import rule_sidecar
from controller.adapters.bundled import BundledAdapter, reported
from controller.core.model import Reported
from controller.kinds import Rule
from controller.kinds.pb.rule_pb2 import RuleMetadata
from controller.kinds.pb.rule_pb2_grpc import RuleStub
from controller.manager.adapter import Plugin

IDENTITY = ("id", "name", "display_name", "description", "version")
SCALES = ("severity", "confidence")


class RuleAdapter(BundledAdapter):
    """Gives hosts a `RuleStub`."""

    kind = Rule.kind
    stub = RuleStub
    plugin_key = "rule"
    magic_value = kind.cookie_value

    def sidecar(self, text: str) -> Mapping[str, Any]:
        """Read it by the field names of blink's pluginmgr."""
        return rule_sidecar.parse(text)

    def beside(self, metadata: Mapping[str, Any]) -> Reported:
        """Say it in the words of `RuleMetadata`; what that has no field for stands beside its fields as it is."""
        left = dict(metadata)
        identity = {field: left.pop(field) for field in IDENTITY if field in left}
        fields: dict[str, Any] = {"identity": {"id": identity["name"], **identity, "enabled": True}}
        fields["merge_window_minutes"] = left.pop("merge_window_mins", 0)
        for scale in SCALES:
            fields[scale] = f"{scale}_{left.pop(scale, '') or 'unspecified'}".upper()
        known = RuleMetadata.DESCRIPTOR.fields_by_name
        fields |= {field: left.pop(field) for field in list(left) if field in known}
        return reported(ParseDict(fields, RuleMetadata()), **left)

    def is_enabled(self, plugin: Plugin) -> bool | None:
        """As the YAML says, where there is one."""
        return plugin.enabled if plugin.metadata else None

    def workers(self, plugin: Plugin) -> int | None:
        """`max_procs` of the YAML, unless it is 0."""
        return plugin.metadata.get("max_procs") or None
