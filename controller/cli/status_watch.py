"""`status --watch`: the table redrawn in place on a terminal; in a pipe what changed, appended.

It asks once a second instead of being told: the times in the table change every second anyway. A controller that went
away is waited for, and said to be away.
"""

import json
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from controller.cli.status_output import as_yaml, draw, is_of_pod
from controller.cli.status_table import last_exit, name, ready, troubles, version
from controller.cli.terminal import RED, Page, page, printable
from controller.cli.times import now
from controller.errors import NoControllerError

PERIOD = 1.0
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"  # the alternate screen, without a cursor
HOME, CLEAR_LINE, CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"
Read = Callable[[], Any]


def watch(read: Read, output: str) -> NoReturn:
    """Show it until interrupted. The first answer must come: else NoControllerError."""
    document = read()
    if sys.stdout.isatty() and output in ("table", "wide"):
        _redraw(read, document, wide=output == "wide")
    else:
        _append(read, document, output)


def _redraw(read: Read, document: Any, *, wide: bool) -> NoReturn:
    with _screen():
        while True:
            to = page(sys.stdout)
            lines = [to.paint(document, RED)] if isinstance(document, str) else draw(document, to, wide=wide)
            height = shutil.get_terminal_size().lines
            if len(lines) > height:
                lines = [*lines[: height - 1], f"... and {len(lines) - height + 1} more lines"]
            sys.stdout.write(HOME + "\r\n".join(to.fit(line) + CLEAR_LINE for line in lines) + CLEAR_REST)
            sys.stdout.flush()
            time.sleep(PERIOD)
            document = _try(read)


@contextmanager
def _screen() -> Iterator[None]:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # not without giving the screen back
    sys.stdout.write(ENTER)
    try:
        yield
    finally:
        sys.stdout.write(LEAVE)
        sys.stdout.flush()


def _append(read: Read, document: Any, output: str) -> NoReturn:
    last: Any = None
    while True:
        if isinstance(document, str):
            if last != document:
                print(document, file=sys.stderr, flush=True)
                last = document
        elif last is None or isinstance(last, str) or _meaning(document) != _meaning(last):
            for line in _changes(last, document, output):
                print(line, flush=True)
            last = document
        time.sleep(PERIOD)
        document = _try(read)


def _try(read: Read) -> Any:
    try:
        return read()
    except NoControllerError as error:
        return f"{now():%H:%M:%S} pluginmgr: {error}" if not sys.stdout.isatty() else f"pluginmgr: {error}"


def _changes(last: Any, document: Any, output: str) -> Iterator[str]:
    if output == "json":
        yield json.dumps(document, ensure_ascii=False)
    elif output == "yaml":
        yield "---\n" + as_yaml(document).rstrip()
    elif not isinstance(last, dict) or not is_of_pod(document):
        yield from draw(document, Page(), wide=output == "wide")
    else:
        stamp = f"{now():%H:%M:%S}"
        yield from (f"{stamp}  {line}" for line in _changed_lines(last["status"], document["status"]))


def _changed_lines(last: Any, status: Any) -> Iterator[str]:
    if last["summary"] != status["summary"] or last["ready"] != status["ready"]:
        yield f"{status['summary']} ready"
    if last.get("conditions") != status.get("conditions"):
        yield from troubles(status, now())
    before = {name(plugin): plugin for plugin in last["plugins"]}
    for plugin in status["plugins"]:
        if _plugin_meaning(plugin) != _plugin_meaning(before.pop(name(plugin), None)):
            words = (name(plugin), plugin["state"], ready(plugin), version(plugin), last_exit(plugin, now()))
            yield printable("  ".join(word for word in (*words, str(plugin.get("message") or "")) if word))
    yield from (f"{key}  gone" for key in before)


def _meaning(document: Any) -> Any:
    """What must change for a line to be worth printing: no memory, no log lines."""
    if not is_of_pod(document):
        return _plugin_meaning(document)
    status = document["status"]
    return {**status, "plugins": [_plugin_meaning(plugin) for plugin in status["plugins"]]}


def _plugin_meaning(plugin: Any) -> Any:
    return plugin and {key: value for key, value in plugin.items() if key not in ("processes", "logs")}
