"""The watch on real directories: what wakes it, what it hands on, and how it ends."""

# ruff: noqa: ASYNC240 - the files are small, and nothing else runs in the loop

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.core.events import VolumeScanned
from controller.core.model import Binary, Digest
from controller.core.reasons import Reason
from controller.volume import Pace, Scanner, VolumeWatch
from controller.volume.doorbell import Doorbell, Target, survey
from tests.volume.eye import digest_of, put

DEADLINE = 20.0  # generous: the machine may be busy
EVENTS_ONLY = Pace(rescan=1000.0, poll=1000.0)
HOSTILE = os.fsdecode(b"\xff")
NONE: frozenset[Digest] = frozenset()


@dataclass
class Host:
    """Collects what the watch hands on."""

    watch: VolumeWatch
    seen: list[VolumeScanned]
    rescans: list[float]
    news: asyncio.Event

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition that some result, or the watch's own state, will fulfil."""
        async with asyncio.timeout(DEADLINE):
            while not condition():
                self.news.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await self.news.wait()

    def binaries(self, path: Path) -> dict[str, Binary]:
        directory = self.seen[-1].directories.get(str(path)) if self.seen else None
        return dict(directory.binaries) if directory else {}

    async def until_there(self, path: Path, name: str, digest: Digest) -> None:
        def is_there() -> bool:
            binary = self.binaries(path).get(name)
            return binary is not None and binary.digest == digest

        await self.until(is_there)

    async def until_watching(self) -> None:
        """Wait until the watch for file events has answered, and for a look that began after it."""
        began = time.monotonic()
        await self.until(lambda: (self.watch.alive_at or 0) > began)

    async def until_scanned(self) -> None:
        """Wait for a look that begins after now."""
        for _ in range(2):
            before = self.watch.scanned_at
            self.watch.poke()
            await self.until(lambda before=before: self.watch.scanned_at != before)


@asynccontextmanager
async def watching(scanner: Scanner, *directories: Path, pace: Pace = EVENTS_ONLY) -> AsyncIterator[Host]:
    news = asyncio.Event()
    seen: list[VolumeScanned] = []
    rescans: list[float] = []

    def submit(event: VolumeScanned) -> None:
        seen.append(event)
        news.set()

    watch = VolumeWatch(scanner, submit, on_rescan=lambda: rescans.append(time.monotonic()), pace=pace)
    host = Host(watch, seen, rescans, news)
    task = asyncio.create_task(watch.run())
    if directories:
        watch.set_directories([str(path) for path in directories], NONE)
        await host.until(lambda: host.seen)
        await host.until_watching()
    try:
        yield host
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def threads() -> Callable[[], list[str]]:
    """Return a way to name the volume's threads that were not there before the test."""
    before = set(threading.enumerate())

    def name_new_ones() -> list[str]:
        new = set(threading.enumerate()) - before
        return [thread.name for thread in new if thread.name.startswith("volume-")]

    return name_new_ones


async def test_nothing_is_scanned_before_the_directories_are_known(scanner: Scanner, rules: Path) -> None:
    async with watching(scanner) as host:
        host.watch.poke()
        host.watch.collect(NONE)
        assert host.watch.scanned_at is None
        host.watch.set_directories([str(rules)], NONE)
        await host.until(lambda: host.seen)
        assert set(host.seen[0].directories) == {str(rules)}


async def test_no_directories_are_a_result_too(scanner: Scanner) -> None:
    async with watching(scanner) as host:
        host.watch.set_directories([], NONE)
        await host.until(lambda: host.seen)
        assert host.seen == [VolumeScanned({})]


async def test_a_binary_renamed_into_place_is_seen_by_its_event(scanner: Scanner, rules: Path) -> None:
    async with watching(scanner, rules) as host:
        put(rules / "rule", b"one")
        await host.until_there(rules, "rule", digest_of(b"one"))
        put(rules / "rule", b"two")
        await host.until_there(rules, "rule", digest_of(b"two"))


async def test_a_binary_copied_in_place_is_taken_when_it_is_quiet(scanner: Scanner, rules: Path) -> None:
    async with watching(scanner, rules) as host:
        with put(rules / "rule", b"one", age=-60).open("ab", buffering=0) as file:
            for _ in range(5):
                file.write(b"more")
                await asyncio.sleep(0)
        await host.until_there(rules, "rule", digest_of(b"one" + b"more" * 5))


async def test_a_deleted_binary_is_seen_to_be_gone(scanner: Scanner, rules: Path) -> None:
    path = put(rules / "rule")
    async with watching(scanner, rules) as host:
        assert host.binaries(rules)
        path.unlink()
        await host.until(lambda: not host.binaries(rules))


async def test_looks_that_see_nothing_new_hand_nothing_on(scanner: Scanner, rules: Path) -> None:
    put(rules / "rule")
    async with watching(scanner, rules) as host:
        count = len(host.seen)
        (rules / ".unrelated").touch()
        await host.until_scanned()
        host.watch.set_directories([str(rules)], NONE)
        await host.until_scanned()
        assert len(host.seen) == count


async def test_a_directory_made_again_is_still_heard(scanner: Scanner, rules: Path) -> None:
    async with watching(scanner, rules) as host:
        for number in range(3):
            rules.rmdir()
            rules.mkdir()
            await host.until_watching()
            put(rules / "rule", bytes([number]))
            await host.until_there(rules, "rule", digest_of(bytes([number])))
            (rules / "rule").unlink()
            await host.until(lambda: not host.binaries(rules))


async def test_a_directory_that_is_a_link_is_heard_before_and_after_it_leads_elsewhere(
    scanner: Scanner, volume: Path
) -> None:
    team = volume / "team"
    for version in ("v1", "v2"):
        (team / version).mkdir(parents=True)
        put(team / version / "rule", version.encode())
    (team / "rules").symlink_to("v1")
    async with watching(scanner, team / "rules") as host:
        (team / "next").symlink_to("v2")
        (team / "next").rename(team / "rules")
        await host.until_there(team / "rules", "rule", digest_of(b"v2"))
        await host.until_watching()
        put(team / "v2" / "rule", b"new")
        await host.until_there(team / "rules", "rule", digest_of(b"new"))


async def test_a_directory_below_one_that_does_not_exist_yet_is_heard_of(scanner: Scanner, volume: Path) -> None:
    deep = volume / "team" / "a" / "rules"
    async with watching(scanner, deep) as host:
        assert host.seen[-1].directories[str(deep)].missing is not None
        deep.mkdir(parents=True)
        put(deep / "rule", b"deep")
        await host.until_there(deep, "rule", digest_of(b"deep"))


async def test_a_volume_that_appears_later_is_found_by_the_rescan(scanner: Scanner, volume: Path, rules: Path) -> None:
    volume.rename(volume.with_name("away"))
    async with watching(scanner, pace=Pace(rescan=0.05)) as host:
        host.watch.set_directories([str(rules)], NONE)
        await host.until(lambda: host.seen and host.seen[-1].directories[str(rules)].missing)
        volume.with_name("away").rename(volume)
        await host.until(lambda: not host.seen[-1].directories[str(rules)].missing)


async def test_a_config_maps_swap_is_heard(scanner: Scanner, rules: Path) -> None:
    for version in (b"one", b"two"):
        (rules / f"..{version.decode()}").mkdir()
        put(rules / f"..{version.decode()}" / "rule", version)
    (rules / "..data").symlink_to("..one")
    (rules / "rule").symlink_to("..data/rule")
    async with watching(scanner, rules) as host:
        (rules / "..data_tmp").symlink_to("..two")
        (rules / "..data_tmp").rename(rules / "..data")
        await host.until_there(rules, "rule", digest_of(b"two"))


async def test_a_name_that_is_not_utf8_does_not_end_the_watch(scanner: Scanner, rules: Path) -> None:
    async with watching(scanner, rules) as host:
        for number in range(3):
            (rules / HOSTILE).touch()
            (rules / HOSTILE).unlink()
            put(rules / "rule", bytes([number]))
            host.watch.poke()  # stands for the rescan: while the watch is broken, nothing else is promised
            await host.until_there(rules, "rule", digest_of(bytes([number])))


async def test_a_watch_that_breaks_again_at_once_is_replaced_by_polling_that_says_so(
    scanner: Scanner, rules: Path
) -> None:
    async with watching(scanner, rules, pace=Pace(rescan=1000.0, poll=0.02)) as host:

        def is_said() -> bool:
            with (rules / HOSTILE).open("ab") as file:
                file.write(b"x")
            return any(problem.reason is Reason.WATCH_POLLING for problem in host.seen[-1].problems)

        await host.until(is_said)
        (rules / HOSTILE).unlink()
        put(rules / "rule", b"polled")
        await host.until_there(rules, "rule", digest_of(b"polled"))


async def test_the_rescan_finds_what_no_event_told_and_calls_the_others(scanner: Scanner, rules: Path) -> None:
    async with watching(scanner, rules, pace=Pace(rescan=0.05)) as host:
        count = len(host.rescans)
        await host.until(lambda: len(host.rescans) >= count + 3)
        put(rules / "rule", b"one")
        await host.until_there(rules, "rule", digest_of(b"one"))


async def test_other_directories_and_pins_are_looked_for_at_once(scanner: Scanner, volume: Path, rules: Path) -> None:
    (volume / "more").mkdir()
    put(volume / "more" / "rule", b"young", age=-3600)
    async with watching(scanner, rules) as host:
        host.watch.set_directories([str(volume / "more")], frozenset({digest_of(b"young")}))
        await host.until_there(volume / "more", "rule", digest_of(b"young"))
        assert set(host.seen[-1].directories) == {str(volume / "more")}


async def test_what_nobody_keeps_is_collected(scanner: Scanner, rules: Path, root: Path) -> None:
    put(rules / "rule", b"one")
    async with watching(scanner, rules) as host:
        put(rules / "rule", b"two")
        await host.until_there(rules, "rule", digest_of(b"two"))
        assert (root / digest_of(b"one")).exists()
        host.watch.collect({digest_of(b"two")})
        await host.until(lambda: not (root / digest_of(b"one")).exists())
        assert (root / digest_of(b"two")).exists()


async def test_one_kinds_trouble_does_not_keep_another_from_its_binaries(
    scanner: Scanner, volume: Path, rules: Path
) -> None:
    put(rules / "rule", b"one")
    async with watching(scanner, rules, volume / "missing") as host:
        assert host.seen[-1].directories[str(volume / "missing")].missing
        assert host.binaries(rules)


async def test_cancelling_ends_every_thread(scanner: Scanner, rules: Path, threads: Callable[[], list[str]]) -> None:
    put(rules / "rule")
    async with watching(scanner, rules) as host:
        await host.until_scanned()
        assert threads()
    await host.until(lambda: not threads())


async def test_cancelling_ends_a_long_reading_at_once(
    volume: Path, rules: Path, threads: Callable[[], list[str]]
) -> None:
    path = put(rules / "huge")
    os.truncate(path, 1 << 40)  # sparse: hours of hashing
    os.utime(path, (1, 1))
    async with watching(Scanner(volume, None)) as host:
        host.watch.set_directories([str(rules)], NONE)
        await host.until(lambda: any(name.startswith("volume-copy") for name in threads()))
        began = time.monotonic()
    assert time.monotonic() - began < DEADLINE / 4
    await host.until(lambda: not threads())


async def test_the_watch_proves_that_it_is_alive(scanner: Scanner, rules: Path) -> None:
    async with watching(scanner, rules) as host:
        first = host.watch.alive_at
        await host.until(lambda: host.watch.alive_at != first)
        assert host.watch.scanned_at is not None


async def test_a_bug_in_the_scan_ends_the_watch(volume: Path) -> None:
    watch = VolumeWatch(Scanner(volume, None), lambda _: None)
    watch.set_directories([5], NONE)  # type: ignore[list-item] # the bug
    with pytest.raises(ExceptionGroup):
        await watch.run()


NO_INSTANCES = """
import asyncio, sys
from pathlib import Path
from controller.volume import Pace, Scanner, VolumeWatch

async def main(volume):
    results = asyncio.Queue()
    watch = VolumeWatch(Scanner(volume, None), results.put_nowait, pace=Pace(rescan=1000.0, poll=0.02))
    watch.set_directories([str(volume / "rules")], frozenset())
    async with asyncio.timeout(9), asyncio.TaskGroup() as group:  # the watch itself is tried again after ten seconds
        task = group.create_task(watch.run())
        while not (seen := await results.get()).problems:
            pass
        print(seen.problems[0].reason.value, seen.problems[0].message)
        (volume / "rules" / ".rule").rename(volume / "rules" / "rule")
        while not (seen := await results.get()).directories[str(volume / "rules")].binaries:
            pass
        print("found")
        task.cancel()

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("limit", ["max_inotify_instances", "max_inotify_watches"])
def test_without_inotify_changes_are_found_by_polling_that_says_so(volume: Path, rules: Path, limit: str) -> None:
    """In a user namespace of its own, whose limit is zero: nobody else's is touched."""
    put(rules / ".rule", b"one")
    script = f'echo 0 > /proc/sys/user/{limit} || exit 77; exec "$0" -c "$1" "$2"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", script, sys.executable, NO_INSTANCES, str(volume)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode == 77 or "unshare:" in done.stderr:
        pytest.skip(f"no user namespaces here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("WatchPolling cannot watch for file events (")
    assert done.stdout.endswith("found\n")


async def test_a_file_system_without_events_is_said_to_be_polled() -> None:
    doorbell = Doorbell(lambda: None)
    assert doorbell.problem is None
    doorbell.aim(Target({}, ("/plugins/rules (nfs4)",)))
    assert doorbell.problem is not None
    assert doorbell.problem.reason is Reason.WATCH_POLLING
    assert "/plugins/rules (nfs4)" in doorbell.problem.message


def test_what_is_watched_is_known_by_its_inode(volume: Path, rules: Path) -> None:
    before = survey([str(rules)], str(volume))
    assert set(before.watched) == {str(volume), str(rules)}
    assert survey([str(rules)], str(volume)) == before
    rules.rename(rules.with_name("old"))
    assert set(survey([str(rules)], str(volume)).watched) == {str(volume)}
    rules.mkdir()
    assert survey([str(rules)], str(volume)) != before
    assert survey(["/elsewhere/rules"], str(volume)).watched.keys() == {str(volume)}
