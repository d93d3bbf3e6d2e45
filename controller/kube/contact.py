"""Whether the config's source still tells us of changes, and since when not: the condition ConfigStale and its log.

Asks nobody and decides nothing else. Trouble that passes within seconds is none of an operator's business.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from controller.core.events import PodNoted
from controller.core.model import Problem
from controller.core.reasons import Reason
from controller.manager.status import timestamp

LOST_AFTER = 10.0  # seconds of trouble until it is said

log = logging.getLogger(__name__)


class Contact:
    """`submit` gets the condition; `recovered` is called when what had been said is over. Needs a running loop."""

    def __init__(self, submit: Callable[[PodNoted], None], recovered: Callable[[], None]) -> None:
        self._submit = submit
        self._recovered = recovered
        self._since: float | None = None  # wall time, for people
        self._began = 0.0
        self._was_there = False
        self.why = ""  # the trouble of now
        self._said = ""
        self._timer: asyncio.TimerHandle | None = None
        self.there = asyncio.Event()  # we are told of changes, or know that there is nothing to be told of
        self.lost = asyncio.Event()  # for so long not that it was said

    def begin(self) -> None:
        """A new watch: nothing is known of it."""
        self.there.clear()

    def answered(self) -> None:
        """What is known is true now, and will be kept true."""
        self.there.set()
        self.close()
        if not self._was_there:
            log.info("the API server tells of changes")
        elif self._since is not None:
            log.info("the API server is back", extra={"seconds": round(time.monotonic() - self._began, 1)})
        self._since, self.why, self._was_there = None, "", True
        if self._said:
            self._said = ""
            self.lost.clear()
            self._submit(PodNoted("ConfigStale", None))
            self._recovered()

    def failed(self, why: str) -> None:
        """A request about the config has failed, or the watch has ended."""
        self.there.clear()
        if self._since is None:
            log.warning("the API server tells of no changes", extra={"problem": why})
            self._since, self._began = time.time(), time.monotonic()
            self._timer = asyncio.get_running_loop().call_later(LOST_AFTER, self.say)
        self.why = why
        if self._said:
            self.say()

    def say(self) -> None:
        """Set the condition, now; unless all is well."""
        if self._since is None:
            return
        self.lost.set()
        message = f"since {timestamp(self._since)}: {self.why}"
        if message == self._said:
            return
        if not self._said:
            log.warning("config is stale", extra={"problem": message})
        self._said = message
        self._submit(PodNoted("ConfigStale", Problem(Reason.CONFIG_STALE, message)))

    def close(self) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
