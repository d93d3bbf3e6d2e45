"""PluginPodStatus documents as the API server gives them, made from a few words."""

from typing import Any

TIME = "2026-11-24T12:00:00Z"

Json = dict[str, Any]


def condition(kind: str, status: str, reason: str, message: str = "") -> Json:
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": TIME}


def plugin(
    name: str,
    ready: str = "True",
    reason: str = "Serving",
    message: str = "",
    *,
    wanted: int = 1,
    progressing: str = "False",
    degraded: str = "",
    kind: str = "rule",
) -> Json:
    """An entry; `degraded` is the reason of that condition, empty where it does not hold."""
    return {
        "kind": kind,
        "name": name,
        "state": "Whatever",
        "reason": reason,
        "message": message,
        "conditions": [
            condition("Ready", ready, reason, message),
            condition("Progressing", progressing, "Starting" if progressing == "True" else "Complete"),
            condition("Degraded", str(bool(degraded)), degraded or "AsExpected", "it is" if degraded else ""),
        ],
        "workers": {"ready": wanted if ready == "True" else 0, "wanted": wanted},
    }


def failing(name: str, reason: str = "CrashLoop", message: str = "failed 3 times in a row") -> Json:
    return plugin(name, "False", reason, message)


def disabled(name: str) -> Json:
    return plugin(name, "False", "Disabled", "the config disables it", wanted=0)


def starting(name: str) -> Json:
    return plugin(name, "False", "Starting", "workers are being started", progressing="True")


def unwell(plugin: Json) -> bool:
    return bool(plugin["workers"]["wanted"]) and ("Ready", "True") not in {
        (each["type"], each["status"]) for each in plugin["conditions"]
    }


def pod_status(
    pod: str,
    *plugins: Json,
    config: str = "rules",
    config_uid: str = "c1",
    generation: int = 1,
    ready: bool | None = None,
    reason: str = "",
    owner: str = "",
    conditions: tuple[Json, ...] = (),
) -> Json:
    """A pod's document; ready if all plugins are, unless `ready` says otherwise."""
    is_ready = not any(unwell(each) for each in plugins)
    is_ready = is_ready if ready is None else ready
    owners = [{"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": owner}] if owner else []
    verdict = condition("Ready", str(is_ready), reason or ("AllReady" if is_ready else "NotAllReady"))
    return {
        "apiVersion": "pluginmgr.dev/v1alpha1",
        "kind": "PluginPodStatus",
        "metadata": {
            "name": pod,
            "uid": f"uid of {pod}",
            "resourceVersion": "7",
            "labels": {"pluginmgr.dev/config": config},
            "ownerReferences": owners,
        },
        "status": {
            "ready": is_ready,
            "summary": "",
            "observedGeneration": generation,
            "config": {"name": config, "uid": config_uid},
            "conditions": [verdict, *conditions],
            "plugins": list(plugins),
        },
    }
