"""Documents with as many plugins as one likes, as the sidecar makes them."""

from typing import Any

TIME = "2026-11-24T12:00:00Z"
TYPES = (("Ready", "True"), ("Progressing", "False"), ("Degraded", "False"), ("Verified", "Unknown"))


def entry(number: int, *, is_well: bool = True, message: str = "1 of 1 workers serve", **more: Any) -> dict[str, Any]:
    statuses = dict(TYPES) if is_well else dict(TYPES) | {"Ready": "False", "Degraded": "True"}
    reason = "Serving" if is_well else "CrashLoop"
    conditions = [
        {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": TIME}
        for kind, status in statuses.items()
    ]
    return {
        "kind": "rule",
        "name": f"plugin-{number:04}",
        "state": reason,
        "reason": reason,
        "message": message,
        "required": False,
        "conditions": conditions,
        "workers": {"ready": int(is_well), "wanted": 1},
        "restarts": 0,
        "id": f"rule-{number}",
        "displayName": f"Rule {number}",
        "targetDigest": "a" * 64,
        "servingDigest": "b" * 64,
        **more,
    }


def document(*plugins: dict[str, Any], **more: Any) -> dict[str, Any]:
    ready = {"type": "Ready", "status": "True", "reason": "AllReady", "message": "", "lastTransitionTime": TIME}
    status = {
        "ready": True,
        "summary": f"{len(plugins)}/{len(plugins)}",
        "observedGeneration": 1,
        "config": {"name": "rules", "uid": "u"},
        "controller": {"pid": 7, "startedAt": TIME, "version": "0.1.0"},
        "conditions": [ready],
        "plugins": list(plugins),
        **more,
    }
    return {
        "apiVersion": "pluginmgr.dev/v1alpha1",
        "kind": "PluginPodStatus",
        "metadata": {"name": "local"},
        "status": status,
    }
