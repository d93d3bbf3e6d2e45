"""All that shapes a worker's process besides its bytes, and the digest that makes two of them comparable.

What is not in a Launch can change without another version: a new field belongs here exactly if a running process cannot
take it over.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from controller.config.layers import Fields
from controller.config.quantity import in_bytes
from controller.config.secrets import Secrets, UnreadableError
from controller.core.model import Handshake, Launch, LaunchId, Limits, SecretUnavailable

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)
LAUNCH_FIELDS = frozenset({"args", "env", "config", "limits", "restartedAt"})


def launch_of(
    fields: Fields, adapter: str, handshake: Handshake, secrets: Secrets, metadata: str = ""
) -> Launch | SecretUnavailable:
    """The Launch that the merged fields of a plugin mean now; `metadata` is what no document can say."""
    try:
        env = _environment(fields, secrets)
    except UnreadableError as error:
        return SecretUnavailable(str(error))
    limits = _limits(fields.get("limits", {}))
    args = tuple(fields.get("args", ()))
    config = canonical(fields["config"]) if "config" in fields else ""
    restarted_at = fields.get("restartedAt", "")
    shape = {
        "adapter": adapter,
        "args": args,
        "config": config,
        "env": env,
        "handshake": [handshake.cookie_key, handshake.cookie_value, handshake.protocol_versions],
        "limits": [limits.memory, limits.open_files, limits.file_size],
        "restartedAt": restarted_at,
        **({"metadata": metadata} if metadata else {}),
    }
    digest = LaunchId(hashlib.sha256(canonical(shape).encode()).hexdigest())
    sources = sources_of(fields)
    return Launch(digest, adapter, args, env, config, handshake, limits, restarted_at, metadata, sources)


def sources_of(fields: Fields) -> dict[str, str]:
    """Where the secret part of the environment comes from: `fromFile /path` or `fromEnv NAME`, by variable."""
    found = {}
    for variable in fields.get("env", ()):
        for source in ("fromFile", "fromEnv"):
            if source in variable:
                found[variable["name"]] = f"{source} {variable[source]}"
    return found


def canonical(value: Any) -> str:
    """JSON that depends on the value alone, not on the order in which someone wrote its fields."""
    return _ENCODER.encode(value)


def _environment(fields: Fields, secrets: Secrets) -> dict[str, str]:
    env: dict[str, str] = {}
    for variable in fields.get("env", ()):
        try:
            env[variable["name"]] = secrets.value_of(variable)
        except UnreadableError as error:
            raise UnreadableError(f"env {variable['name']}: {error}") from error
    return env


def _limits(limits: Mapping[str, Any]) -> Limits:
    return Limits(
        memory=in_bytes(limits["memory"]) if "memory" in limits else None,
        open_files=int(limits["openFiles"]) if "openFiles" in limits else None,
        file_size=in_bytes(limits["fileSize"]) if "fileSize" in limits else None,
    )
