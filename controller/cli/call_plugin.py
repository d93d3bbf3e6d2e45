"""What `pluginmgr call` does: JSON values read, sent to one worker by way of the registry, answers written."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from controller.cli.client import UnfitError
from controller.cli.registry_link import following
from controller.cli.terminal import printable
from controller.errors import PluginmgrError
from controller.goplugin import CallError
from controller.kinds.batch import batch
from controller.kinds.plugin import UnfitError as UnfitValueError
from controller.manager.handle import PluginHandle
from controller.pool import NotFoundError, PoolError, ProcessPool

Item = dict[str, Any]


class UsageError(PluginmgrError):
    """What was asked for cannot be asked."""


def items_of(words: Iterable[str], stdin: TextIO) -> list[Item]:
    """The objects in the words, lists of them unpacked; raises UsageError."""
    found: list[Item] = []
    for word in words:
        source, text = ("standard input", stdin.read()) if word == "-" else ("argument", word)
        found += _objects(source, text)
    if not found:
        raise UsageError("there is nothing to call it with: give a JSON object")
    return found


async def call(run_dir: Path, key: str, items: Sequence[Item], seconds: float) -> list[Item]:
    """An answer for each item.

    Raises:
        UsageError: the plugin is of no bundled kind, or an item does not fit its kind.
        UnfitError: it does not serve, or the call failed.
        NoControllerError: nobody answers.
    """
    logging.getLogger("controller").addHandler(logging.NullHandler())  # what matters comes as an exception
    pool: ProcessPool[Any] = ProcessPool()
    clock = asyncio.get_running_loop().time
    ends = clock() + seconds

    def ask(worker: PluginHandle[Any]) -> Awaitable[list[Item]]:
        try:
            made = batch(worker.adapter, items)
        except UnfitValueError as error:
            raise UsageError(f"cannot call {key}: {error}") from error
        return made.send(worker.item, max(0.0, ends - clock()))

    async with following(run_dir, pool.sync, command="call", seconds=seconds):
        try:
            return await pool.call(key, ask, timeout=max(0.0, ends - clock()))
        except NotFoundError as error:
            serving = ", ".join(sorted(pool.plugins())) or "nothing"
            raise UnfitError(f"{key} does not serve; what does: {serving}") from error
        except (CallError, PoolError, TimeoutError, UnfitValueError) as error:
            raise UnfitError(f"the call to {key} failed: {_told(error)}") from error


def write(results: Iterable[Item], output: str) -> None:
    """To stdout, one after the other; `json` is a line each."""
    for result in results:
        if output == "json":
            print(json.dumps(result, ensure_ascii=False))
        else:
            print("\n".join(map(printable, json.dumps(result, ensure_ascii=False, indent=2).split("\n"))))


def _objects(source: str, text: str) -> Iterator[Item]:
    """Any number of JSON values, one after the other: so lines of them are good too."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{source} is no JSON: {error}") from error
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, dict):
                raise UsageError(f"{source} has {json.dumps(each)[:80]} where a JSON object belongs")
            yield each


def _told(error: Exception) -> str:
    if isinstance(error, CallError):
        return f"{error.code().name} {error.details() or ''}".rstrip()
    return str(error)
