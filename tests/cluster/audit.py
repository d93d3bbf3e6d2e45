"""What service accounts asked the API server for, from its audit log."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from controller.testing.answers import DEADLINE

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}],
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request that was answered, at that time of day; a watch is here as soon as it has begun.

    `resource` has its subresource.
    """

    user: str
    verb: str
    group: str
    resource: str
    namespace: str
    name: str
    code: int
    pod: str
    query: str
    at: datetime

    @property
    def field_selector(self) -> str:
        """The field selector, or nothing."""
        return parse_qs(self.query).get("fieldSelector", [""])[0]


class Audit:
    """The audit log at `path`, read anew for each question."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def requests(self, user: str = "") -> list[Request]:
        """All requests for resources, oldest first, or those whose user's name ends so."""
        return [each for each in self._read() if each.user.endswith(user)]

    def until(
        self, fits: Callable[[list[Request]], object], user: str = "", deadline: float = DEADLINE
    ) -> list[Request]:
        """The requests once they fit: a record may come a moment after the answer."""
        ends = time.monotonic() + deadline
        while not fits(found := self.requests(user)):
            if time.monotonic() > ends:
                raise AssertionError(f"not within {deadline} s; requests of {user or 'all'}: {found}")
            time.sleep(0.02)
        return found

    def _read(self) -> Iterator[Request]:
        seen = set()
        text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        for line in text.splitlines(keepends=True):
            if line.endswith("\n") and (record := json.loads(line))["auditID"] not in seen and "objectRef" in record:
                seen.add(record["auditID"])
                yield _request(record)


def _request(record: dict[str, Any]) -> Request:
    about = record["objectRef"]
    extra = record["user"].get("extra", {})
    return Request(
        user=record["user"]["username"],
        verb=record["verb"],
        group=about.get("apiGroup", ""),
        resource="/".join(about[each] for each in ("resource", "subresource") if each in about),
        namespace=about.get("namespace", ""),
        name=about.get("name", ""),
        code=record.get("responseStatus", {}).get("code", 0),
        pod=extra.get("authentication.kubernetes.io/pod-name", [""])[0],
        query=urlsplit(record["requestURI"]).query,
        at=datetime.fromisoformat(record["stageTimestamp"]),
    )
