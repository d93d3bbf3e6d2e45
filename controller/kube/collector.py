"""Statuses of pods that are gone or finished: found, made sure of, and deleted.

The garbage collector of the cluster takes those whose Pod object is deleted, some time later. What it leaves are those
of pods that have ended and are kept, of evicted ones above all, and those that nobody owns.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from controller.kube.election import WRITE
from controller.kube.names import GROUP, STATUSES, VERSION
from controller.kube.patience import Patience
from controller.kube.report import Report
from controller.kube.rest import CONFLICT, METADATA_LIST, NOT_FOUND, STRANGER, ApiError, Rest, is_object

log = logging.getLogger(__name__)

PERIOD: Final = 5.0  # seconds between looks
LONGEST: Final = 60.0  # seconds between looks while the API server refuses
GRACE: Final = 10.0  # seconds that a status is seen without its pod before it is stale
LIVE: Final = "status.phase!=Succeeded,status.phase!=Failed"


def is_orphan(report: Report, pods: Mapping[str, str]) -> bool:
    """Whether no live pod stands behind a status; `pods` are the uids of the live ones by name."""
    uid = pods.get(report.pod)
    return uid is None or report.owner not in ("", uid)


def absences(
    before: Mapping[str, float], reports: Iterable[Report], pods: Mapping[str, str], now: float
) -> dict[str, float]:
    """Return since when each orphan has been one, by the status' uid.

    It is counted from when we first saw it so: a status that has just been made is never older than its pod's absence.
    """
    return {each.uid: before.get(each.uid, now) for each in reports if is_orphan(each, pods)}


def stale(reports: Iterable[Report], absent: Mapping[str, float], now: float) -> list[Report]:
    """Return the statuses whose pods have been absent for longer than the grace, by name."""
    found = [each for each in reports if now - absent.get(each.uid, now) >= GRACE]
    return sorted(found, key=lambda report: report.pod)


class Collector:
    """`may_delete`: pods and statuses are known, and the lease is ours."""

    def __init__(
        self,
        rest: Rest,
        namespace: str,
        reports: Mapping[str, Report],
        pods: Mapping[str, str],
        may_delete: Callable[[], bool],
    ) -> None:
        self._rest = rest
        self._pods_path = f"/api/v1/namespaces/{namespace}/pods"
        self._path = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{STATUSES}"
        self._reports = reports
        self._pods = pods
        self._may_delete = may_delete
        self._absent: dict[str, float] = {}
        self._patience = Patience(LONGEST, first=PERIOD)
        self._is_failing = False
        self.deleted = 0

    async def run(self) -> None:
        """Delete what is stale until cancelled."""
        wait = PERIOD
        while True:
            await asyncio.sleep(wait)
            wait = PERIOD
            if not self._may_delete():
                self._absent = {}  # whoever comes back to it begins anew
                continue
            now = time.monotonic()
            self._absent = absences(self._absent, self._reports.values(), self._pods, now)
            try:
                for report in stale(self._reports.values(), self._absent, now):
                    await self._collect(report)
                self._patience.reset()
                self._is_failing = False
            except ApiError as error:
                wait = self._failed(error)

    async def _collect(self, report: Report) -> None:
        # The lease may have gone while the API server was asked.
        if not (self._may_delete() and await self._is_gone(report) and self._may_delete()):
            return
        path = f"{self._path}/{report.pod}"
        try:
            await self._rest.delete(path, report.uid, report.resource_version, WRITE)
        except ApiError as error:
            if error.code not in (CONFLICT, NOT_FOUND):  # it was written meanwhile, or is gone
                raise
        else:
            self.deleted += 1
            log.info("stale status deleted", extra={"pod": report.pod})

    async def _is_gone(self, report: Report) -> bool:
        """Ask the API server itself: our copy of the pods may be behind."""
        query = {"fieldSelector": f"metadata.name={report.pod},{LIVE}", "limit": "1"}
        found = await self._rest.get(self._pods_path, query, METADATA_LIST, WRITE)
        pods = found.get("items", [None]) or ()
        if not all(map(is_object, pods)):
            raise ApiError(0, f"{self._pods_path}: {STRANGER}")
        return is_orphan(report, {each["metadata"]["name"]: each["metadata"]["uid"] for each in pods})

    def _failed(self, error: ApiError) -> float:
        """Say it once; return the seconds until the next look."""
        if not self._is_failing:
            self._is_failing = True
            log.warning("cannot delete stale statuses", extra={"error": str(error)})
        return max(PERIOD, self._patience.wait(), error.retry_after or 0.0)
