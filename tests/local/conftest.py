import asyncio
from contextlib import asynccontextmanager

import pytest

from controller.config import CurrentConfig
from controller.local import ConfigFile

SPEC = """apiVersion: pluginmgr.dev/v1alpha1
kind: PluginConfig
metadata: {{name: x}}
spec:
  kinds:
  - name: rule
    handshake: {{cookieKey: A, cookieValue: b, protocolVersions: [1]}}
    defaults: {{workers: {workers}}}
"""


class Told:
    """What the core was told, in the order of its arrival; waiting has a deadline."""

    def __init__(self):
        self._queue = asyncio.Queue()

    def submit(self, event):
        self._queue.put_nowait(event)

    async def next(self, seconds=5):
        async with asyncio.timeout(seconds):
            return await self._queue.get()

    async def workers(self):
        return (await self.next()).config.kinds["rule"].default.workers

    def is_empty(self):
        return self._queue.empty()


@pytest.fixture
def text():
    """A function: a config that is told from another by its workers."""
    return lambda workers: SPEC.format(workers=workers)


@pytest.fixture
def path(tmp_path, text):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "plugins.yaml").write_text(text(1))
    return tmp_path / "etc" / "plugins.yaml"


@pytest.fixture
def source(tmp_path):
    """A function: a ConfigFile of the path and what the core is told of it, as a controller started now makes them."""
    (tmp_path / "state").mkdir()

    def make(path):
        told = Told()
        keep = tmp_path / "state" / "config.yaml"
        current = CurrentConfig(told.submit, plugin_dir="/plugins", environ={}, secrets_dirs=(), keep=keep)
        return ConfigFile(path, current), told

    return make


@pytest.fixture
def watched(source):
    """A context: the file at the path is watched, and its first content was told."""

    @asynccontextmanager
    async def watch(path):
        file, told = source(path)
        file.start()
        await told.next()
        task = asyncio.create_task(file.run(), name="config file")
        try:
            yield told
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled(), task.exception()

    return watch
