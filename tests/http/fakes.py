"""Stands in for manager and core: a `Views` whose answers the test writes, and what a small pod looks like."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from controller.http import Check, Checks


class FakeViews:
    """Answers from plain attributes; `said` is put to every follower."""

    def __init__(self, document: dict[str, Any] | None = None) -> None:
        self.document = document or pod(plugin("rule/good"))
        self.records: dict[str, list[dict[str, Any]]] = {}
        self.past: list[dict[str, Any]] = []
        self.restarted: list[str] = []
        self.live: Checks = (Check("loop", ok=True),)
        self.ready: Checks = (Check("config", ok=True), Check("scan", ok=True))
        self.said: asyncio.Queue[dict[str, Any] | Exception | None] = asyncio.Queue()
        self.following = asyncio.Event()
        self.left = asyncio.Event()

    def _keys(self) -> dict[str, dict[str, Any]]:
        return {f"{each['kind']}/{each['name']}": each for each in self.document["status"]["plugins"]}

    def status(self) -> dict[str, Any]:
        return self.document

    def plugin(self, key: str) -> dict[str, Any] | None:
        return self._keys().get(key)

    def history(self, key: str | None) -> list[dict[str, Any]]:
        return [each for each in self.past if key in (None, each["plugin"])]

    def logs(self, key: str, *, previous: bool) -> list[dict[str, Any]] | None:
        if key not in self._keys():
            return None
        return [each for each in self.records.get(key, []) if each["worker"] != "w2" or not previous]

    async def follow(self, key: str) -> AsyncGenerator[dict[str, Any], None]:
        try:
            for record in self.records.get(key, []):
                yield record
            self.following.set()
            while (record := await self.said.get()) is not None:
                if isinstance(record, Exception):
                    raise record
                yield record
        finally:
            self.left.set()

    def restart(self, key: str) -> bool:
        if key in self._keys():
            self.restarted.append(key)
        return key in self._keys()

    def livez(self) -> Checks:
        return self.live

    def readyz(self) -> Checks:
        return self.ready


def pod(*plugins: dict[str, Any], conditions: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    wanted = [each for each in plugins if each["workers"]["wanted"]]
    ready = [each for each in wanted if each["state"] == "Serving"]
    return {
        "apiVersion": "pluginmgr.dev/v1alpha1",
        "kind": "PluginPodStatus",
        "metadata": {"name": "local"},
        "status": {
            "ready": len(ready) == len(wanted),
            "summary": f"{len(ready)}/{len(wanted)}",
            "observedGeneration": 3,
            "controller": {"pid": 4242, "startedAt": "2020-01-01T00:00:00Z", "version": "0.1.0"},
            "conditions": list(conditions),
            "plugins": list(plugins),
        },
    }


def condition(kind: str, status: str, reason: str, message: str) -> dict[str, Any]:
    since = "2020-01-01T00:00:00Z"
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since}


def plugin(key: str, state: str = "Serving", **more: Any) -> dict[str, Any]:
    kind, name = key.split("/")
    is_ready = state == "Serving"
    return {
        "kind": kind,
        "name": name,
        "state": state,
        "reason": state,
        "message": "all workers are ready" if is_ready else "no worker is ready",
        "required": False,
        "conditions": [condition("Ready", "True" if is_ready else "False", state, "said why")],
        "workers": {"ready": int(is_ready), "wanted": int(state != "Disabled")},
        "restarts": 0,
        "targetDigest": "a" * 64,
        "servingDigest": "a" * 64,
    } | more


def record(message: str, worker: str = "w1", **more: Any) -> dict[str, Any]:
    head = {"time": 1_800_000_000.5, "level": "info", "stream": "stderr", "worker": worker}
    return head | {"message": message, "fields": {}} | more
