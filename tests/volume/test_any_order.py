"""Whatever is done to a directory, in whatever order: once it is quiet, the scan tells exactly what lies there."""

import os
import shutil
import tempfile
import time
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from controller.core.model import Digest, Directory
from controller.volume import Moment, Scanner, Store
from tests.volume.eye import digest_of, put

NAMES = st.sampled_from(["a", "b", "c", "a.yaml", "b.yml", ".hidden", "half.part", "no name"])
DOCUMENTS = ("a.yaml", "b.yml")
CONTENTS = st.sampled_from([b"", b"one", b"two", b"three"])
AGES = st.sampled_from([-3600.0, 0.0, 10.0])


def is_plugin(path: Path) -> bool:
    """Say it in other words than the product does."""
    if not path.is_file() or path.name in {*DOCUMENTS, ".hidden", "half.part", "no name"}:
        return False
    return path.stat().st_size > 0 and path.stat().st_mode & 0o777 == 0o755


class Disk(RuleBasedStateMachine):
    """A volume with one directory, changed by a careless operator while it is scanned and the controller restarted."""

    @initialize(pins=st.frozensets(CONTENTS.map(digest_of)))
    def begin(self, pins: frozenset[Digest]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="volume-test-"))
        self.rules = self.folder / "volume" / "rules"
        self.rules.mkdir(parents=True)
        self.pins = pins
        self.later = 0.0
        self.accepted: set[Digest] = set()
        self.written = {digest_of(b"")}
        self.start()

    def start(self) -> None:
        self.scanner = Scanner(self.folder / "volume", Store(self.folder / "store", grace=0.0), budget=60.0)
        self.scanner.prepare()

    @rule()
    def restart(self) -> None:
        self.scanner.close()
        self.start()

    @rule(name=NAMES, content=CONTENTS, age=AGES, mode=st.sampled_from([0o755, 0o644]))
    def rename_into_place(self, name: str, content: bytes, age: float, mode: int) -> None:
        if not (self.rules / name).is_dir():
            put(self.rules / name, content, age=age, mode=mode)
            self.written.add(digest_of(content))

    @rule(name=NAMES, content=CONTENTS)
    def write_in_place(self, name: str, content: bytes) -> None:
        if (self.rules / name).is_file():
            (self.rules / name).write_bytes(content)
            self.written.add(digest_of(content))

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        path = self.rules / name
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)

    @rule(name=NAMES)
    def make_directory(self, name: str) -> None:
        if not os.path.lexists(self.rules / name):
            (self.rules / name).mkdir()

    @rule(name=NAMES, other=NAMES)
    def link(self, name: str, other: str) -> None:
        if not os.path.lexists(self.rules / name):
            (self.rules / name).symlink_to(other)

    @rule(name=NAMES, mode=st.sampled_from([0o755, 0o644]))
    def change_mode(self, name: str, mode: int) -> None:
        if (self.rules / name).is_file():
            (self.rules / name).chmod(mode)

    @rule()
    def damage_the_store(self) -> None:
        for path in (self.folder / "store").glob("*/*"):
            path.unlink()

    @rule()
    def collect(self) -> None:
        self.scanner.collect(set())

    @rule(pause=st.sampled_from([0.0, 0.05, 0.2]))
    def scan(self, pause: float) -> None:
        self.look(pause)

    def look(self, pause: float) -> Directory:
        self.later += pause
        now = Moment(time.time() + self.later, time.monotonic() + self.later)
        directory = self.scanner.scan([str(self.rules)], self.pins, now).directories[str(self.rules)]
        assert directory.missing is None
        assert not any(name in DOCUMENTS for name in (*directory.binaries, *directory.problems, *directory.unsettled))
        for binary in directory.binaries.values():
            assert binary.digest in self.written, "bytes that were never written"
        return directory

    @rule()
    def quiet_down(self) -> None:
        """Two looks begin and end the quiet, a third makes again what the second found missing from the store."""
        for _ in range(3):
            directory = self.look(10.0)
        there = {path.name: digest_of(path.read_bytes()) for path in self.rules.iterdir() if is_plugin(path)}
        kept = directory.problems.keys()  # empty files and rings of links keep what was there before
        seen = {name: binary.digest for name, binary in directory.binaries.items() if name not in kept}
        assert seen == there
        texts = {name: (self.rules / name).read_text() for name in DOCUMENTS if (self.rules / name).is_file()}
        assert {name: text for name, text in directory.documents.items() if isinstance(text, str)} == texts
        for name in seen:
            binary = directory.binaries[name]
            assert digest_of(Path(binary.executable).read_bytes()) == binary.digest
            assert Path(binary.executable).name == name
        again = self.scanner.scan([str(self.rules)], self.pins, Moment(0, 0))
        assert again.directories[str(self.rules)] is directory

    @invariant()
    def nothing_half_done_lies_in_the_store(self) -> None:
        assert not list((self.folder / "store").glob(".incoming-*"))

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.scanner.close()
            shutil.rmtree(self.folder)


TestDisk = Disk.TestCase
TestDisk.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
