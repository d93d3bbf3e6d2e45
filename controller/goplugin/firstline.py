"""The first line on stdout: the handshake, up to a limit; all that follows is log."""

import asyncio

from controller.goplugin.handshake import LINE_LIMIT
from controller.goplugin.logs import LineFlow


class FirstLine:
    """Takes stdout from the start and passes on what follows the first line."""

    def __init__(self, rest: LineFlow) -> None:
        """Take where the lines after the first go."""
        self._rest = rest
        self.partial = b""
        self.done: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()  # None: it has no end

    def feed(self, chunk: bytes) -> bool:
        """Take a chunk of stdout; tell whether the plugin prints faster than it may."""
        if self.done.done():
            return self._rest.feed(chunk)
        line, end, rest = (self.partial + chunk).partition(b"\n")
        if len(line) > LINE_LIMIT:
            self.partial = line
            self.done.set_result(None)
            return True
        if not end:
            self.partial = line
            return False
        self.partial = b""
        self.done.set_result(line.decode(errors="replace"))
        return bool(rest) and self._rest.feed(rest)

    def end(self) -> None:
        """Take that nothing more will come: a line needs no end then."""
        if not self.done.done() and self.partial.strip():
            line, self.partial = self.partial, b""
            self.done.set_result(line.decode(errors="replace"))
        self._rest.end()
