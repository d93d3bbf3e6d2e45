"""The summary of each PluginConfig of a namespace, written when it says something new.

What is to be said is decided by `tally` and `summary`, when by `pace`, and by whom by the lease. All of it is called on
the loop; the reflectors call `config_changed` and `report_changed`.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from controller.kube.election import WRITE
from controller.kube.names import AGGREGATOR_MANAGER, CONFIG_KIND, CONFIGS, GROUP, VERSION
from controller.kube.pace import QUIET, SLOWLY, Pace
from controller.kube.patience import Patience
from controller.kube.report import Report
from controller.kube.rest import CONFLICT, NOT_FOUND, ApiError, Rest
from controller.kube.summary import ConfigSeen, config_seen, is_same, is_urgent, summary
from controller.kube.tally import Tally
from controller.manager.status import timestamp

log = logging.getLogger(__name__)

SHORTEST: Final = 0.05  # seconds between two looks


@dataclass(slots=True)
class Account:
    """One config: its pods, and when to say something of it."""

    tally: Tally = field(default_factory=Tally)
    config: ConfigSeen | None = None
    pace: Pace = field(default_factory=Pace)
    patience: Patience = field(default_factory=Patience)
    is_failing: bool = False


class Aggregator:
    """`may_write` is asked before each write: synced, and the lease is ours."""

    def __init__(
        self, rest: Rest, namespace: str, may_write: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rest = rest
        self._path = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{CONFIGS}"
        self._may_write = may_write
        self._clock = clock
        self.accounts: dict[str, Account] = {}
        self.writes = self.failures = 0
        self.turned_at = clock()

    def config_changed(self, old: ConfigSeen | None, new: ConfigSeen | None) -> None:
        """A config was added, changed or deleted. An edit of its spec is followed by the pods' words about it."""
        is_edited = old is None or new is None or old.generation != new.generation
        for name in {each.name for each in (old, new) if each is not None}:
            account = self._account(name)
            account.config = new
            now = self._clock()
            account.pace = account.pace.expecting(now) if is_edited else account.pace.touched(now)
            self._forget(name)

    def report_changed(self, old: Report | None, new: Report | None) -> None:
        """A pod's status was added, changed or deleted; it may follow another config than before."""
        for report, count in ((old, Tally.remove), (new, Tally.add)):
            if report is not None and report.config:
                account = self._account(report.config)
                count(account.tally, report)
                self._touch(account)
                self._forget(report.config)

    async def run(self) -> None:
        """Write what is due until cancelled. A change waits for QUIET at least, so there is no need to be woken."""
        while True:
            wait = QUIET
            if self._may_write():
                for account in list(self.accounts.values()):
                    await self._look(account)
                wait = min(max(self._next() - self._clock(), SHORTEST), QUIET)
            self.turned_at = self._clock()
            await asyncio.sleep(wait)

    async def _look(self, account: Account) -> None:
        if account.config is not None and account.pace.due(account.tally.pods) <= self._clock():
            await self._settle(account, account.config)
            self.turned_at = self._clock()

    def _next(self) -> float:
        dues = (each.pace.due(each.tally.pods) for each in self.accounts.values() if each.config is not None)
        return min(dues, default=float("inf"))

    async def _settle(self, account: Account, config: ConfigSeen) -> None:
        """Write one summary, unless the object says it already."""
        new = summary(account.tally, config, timestamp(time.time()))
        if is_same(new, config.status):
            account.pace = account.pace.settled()
        elif not is_urgent(new, config.status) and self._clock() < account.pace.written + SLOWLY:
            account.pace = account.pace.put_off(account.pace.written + SLOWLY)
        elif self._may_write():
            await self._write(account, config, new)

    async def _write(self, account: Account, config: ConfigSeen, status: dict[str, Any]) -> None:
        # With its version, so that a write that was held up somewhere cannot undo a later one.
        metadata = {"name": config.name, "uid": config.uid, "resourceVersion": config.resource_version}
        body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": CONFIG_KIND, "metadata": metadata, "status": status}
        account.pace = account.pace.settled()
        try:
            answer = await self._rest.apply(
                f"{self._path}/{config.name}/status", AGGREGATOR_MANAGER, body, seconds=WRITE
            )
        except ApiError as error:
            self._note(account, config, error)
            return
        if account.config is config:
            account.config = config_seen(answer)  # the watch will say it too, in a moment
        account.pace = account.pace.wrote(self._clock())
        account.patience.reset()
        self.writes += 1
        if account.is_failing:
            account.is_failing = False
            log.info("summary written again", extra={"config": config.name})

    def _note(self, account: Account, config: ConfigSeen, error: ApiError) -> None:
        self.failures += 1
        now = self._clock()
        account.pace = account.pace.touched(now).failed(now + max(account.patience.wait(), error.retry_after or 0.0))
        if error.code in (CONFLICT, NOT_FOUND):  # another version, or none, is on its way to us
            return
        if not account.is_failing:
            account.is_failing = True
            log.warning("cannot write the summary", extra={"config": config.name, "error": str(error)})

    def _account(self, name: str) -> Account:
        return self.accounts.setdefault(name, Account())

    def _touch(self, account: Account) -> None:
        account.pace = account.pace.touched(self._clock())

    def _forget(self, name: str) -> None:
        account = self.accounts[name]
        if account.config is None and not account.tally.pods:
            del self.accounts[name]
