"""What a plugin says of itself, as the pipeline needs it.

It comes with the registry's messages: the metadata of the protos as JSON.
"""

import json
from dataclasses import dataclass
from typing import Any

from controller.kinds.pb import common_pb2, tuning_rule_pb2


@dataclass(frozen=True, slots=True)
class About:
    """One plugin. What its kind doesn't have, or it doesn't say, is empty."""

    key: str  # kind/name
    id: str = ""
    display_name: str = ""
    is_enabled: bool = True
    is_global: bool = False
    severity: int = 0
    confidence: int = 0
    action: int = 0
    merge_window_minutes: int = 0
    log_types: tuple[str, ...] = ()
    matchers: tuple[str, ...] = ()
    req_subkeys: tuple[str, ...] = ()
    merge_by_keys: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    formatters: tuple[str, ...] = ()
    enrichments: tuple[str, ...] = ()
    tuning_rules: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The kind that it is of."""
        return self.key.partition("/")[0]

    @property
    def name(self) -> str:
        """The name of its file, by which others name it."""
        return self.key.partition("/")[2]


LISTS = (
    *("log_types", "matchers", "req_subkeys", "merge_by_keys", "tags"),
    *("formatters", "enrichments", "tuning_rules", "depends_on"),
)


def read(key: str, metadata: str) -> About:
    """Read what came with the registry's message."""
    said: dict[str, Any] = json.loads(metadata or "{}")
    identity = said.get("identity", {"enabled": True})
    return About(
        key=key,
        id=identity.get("id", ""),
        display_name=identity.get("display_name", "") or identity.get("name", ""),
        is_enabled=identity.get("enabled", False),
        is_global=said.get("global", False),
        severity=common_pb2.Severity.Value(said.get("severity", "SEVERITY_UNSPECIFIED")),
        confidence=common_pb2.Confidence.Value(said.get("confidence", "CONFIDENCE_UNSPECIFIED")),
        action=tuning_rule_pb2.TuningAction.Value(said.get("action", "TUNING_ACTION_UNSPECIFIED")),
        merge_window_minutes=said.get("merge_window_minutes", 0),
        **{name: tuple(said.get(name, ())) for name in LISTS},
    )
