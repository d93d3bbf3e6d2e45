"""The image, as far as it can be made and run without an engine."""

import fcntl
import hashlib
import io
import json
import os
import shutil
import signal
import stat
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from tests.deploy import image
from tests.e2e.rig import HANDSHAKE
from tests.plugins import zoo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
BYTECODE_NEVER_CHECKED = b"\x01\x00\x00\x00"  # PEP 552: by hash, and not compared


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two root file systems that were made from equal sources, one after the other; once for all of xdist's workers."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "image"
    shared.mkdir(exist_ok=True)
    made = (shared / "one", shared / "two")
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "source").exists():
            image.context(shared / "source")
        for root in made:
            if not (root / "done").exists():
                shutil.copytree(shared / "source", root / "source")  # a place of its own, which must not matter
                image.install(root / "source", root)
                (root / "done").touch()
    return made


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that the image's user may write to."""
    made = Path(tempfile.mkdtemp(prefix="pm"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


def test_twice_from_the_same_sources_gives_the_same_bytes(trees: tuple[Path, Path]) -> None:
    one, two = (image.digests(root / "opt") for root in trees)
    assert {name for name in one.keys() | two.keys() if one.get(name) != two.get(name)} == set()
    assert len(one) > 1000
    assert {when for _, when, _ in one.values()} == {1767225600.0}


def test_all_of_it_is_compiled_for_good(trees: tuple[Path, Path]) -> None:
    sources = list(trees[0].rglob("site-packages/**/*.py"))
    compiled = [path for path in trees[0].rglob("*.pyc") if path.read_bytes()[4:8] == BYTECODE_NEVER_CHECKED]
    assert len(compiled) == len(sources) > 1000


def test_every_user_may_read_it_and_none_may_write(trees: tuple[Path, Path]) -> None:
    modes = {name: mode for name, (mode, _, _) in image.digests(trees[0] / "opt").items()}
    assert [name for name, mode in modes.items() if mode & 0o444 != 0o444] == []
    assert [name for name, mode in modes.items() if mode & 0o022 and not stat.S_ISLNK(mode)] == []


def test_an_unprivileged_user_runs_it_from_a_read_only_tree(trees: tuple[Path, Path]) -> None:
    image.skip_without_namespaces()
    command = image.inside(trees[0], "pluginmgr", "--version")
    done = subprocess.run(command, env=image.environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert version("pluginmgr") in done.stdout


def test_it_has_what_the_cluster_needs(trees: tuple[Path, Path]) -> None:
    image.skip_without_namespaces()
    command = image.inside(trees[0], f"{image.HOME}/bin/python", "-I", "-c", "import kopf, kubernetes.aio, controller")
    done = subprocess.run(command, env=image.environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.go
def test_it_runs_a_plugin(trees: tuple[Path, Path], place: Path) -> None:
    image.skip_without_namespaces()
    volume = place / "plugins" / "zoo"
    volume.mkdir(parents=True)
    zoo.install("echo", volume)
    kinds = [{"name": "zoo", "handshake": HANDSHAKE, "plugins": [{"name": "echo"}]}]
    document = {"apiVersion": "pluginmgr.dev/v1alpha1", "kind": "PluginConfig", "metadata": {"name": "image"}}
    (place / "config.yaml").write_text(yaml.safe_dump(document | {"spec": {"kinds": kinds}}))
    state = f"--state-dir={place}/state"
    options = [f"--config={place}/config.yaml", f"--plugin-dir={place}/plugins", state, f"--run-dir={place}/run"]
    command = image.inside(trees[0], "pluginmgr", "run", *options, "--http=127.0.0.1:0")
    running = subprocess.Popen(command, env=image.environment(), stderr=subprocess.PIPE, text=True)
    try:
        ends = time.monotonic() + 60
        while status(trees[0], state) != "Serving":
            assert time.monotonic() < ends
            assert running.poll() is None, running.communicate()[1]
    finally:
        running.send_signal(signal.SIGTERM)
        said = running.communicate(timeout=30)[1]
    assert running.returncode == 0, said


def status(root: Path, state: str) -> str:
    command = image.inside(root, "pluginmgr", "status", state, "-o", "json")
    done = subprocess.run(command, env=image.environment(), capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["status"].get("plugins") if done.stdout else None
    return found[0]["state"] if found else done.stderr


def test_the_archive_is_an_image_that_starts_as_the_dockerfile_says(place: Path) -> None:
    root = place / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "name").write_text("x")
    (root / "link").symlink_to("etc/name")
    if os.geteuid() == 0:
        os.chown(root / "etc" / "name", 1, 1)
    packed = []
    for name in ("one.tar", "two.tar"):
        os.utime(root / "etc" / "name")
        image.archive().pack(root, place / name, "pluginmgr:0.1.0")
        packed.append((place / name).read_bytes())
    assert packed[0] == packed[1]
    with tarfile.open(place / "one.tar") as opened:
        parts = {each.name: opened.extractfile(each).read() for each in opened}
    for name, content in parts.items():
        assert not name.startswith("blobs/") or name == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"

    def follow(entry: dict[str, str]) -> bytes:
        content = parts["blobs/sha256/" + entry["digest"].removeprefix("sha256:")]
        assert len(content) == entry["size"]
        return content

    (entry,) = json.loads(parts["index.json"])["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "pluginmgr:0.1.0"
    manifest = json.loads(follow(entry))
    config = json.loads(follow(manifest["config"]))
    (layer,) = manifest["layers"]
    assert config["rootfs"]["diff_ids"] == [layer["digest"]]
    with tarfile.open(fileobj=io.BytesIO(follow(layer))) as files:
        assert sorted(files.getnames()) == ["etc", "etc/name", "link"]
        assert {(each.uid, each.gid) for each in files} == {(0, 0)}
    assert config["config"]["Entrypoint"] == ["pluginmgr"]
    assert config["config"]["User"] == "65532:65532"
    assert {"HOME": "/"} | dict(each.split("=", 1) for each in config["config"]["Env"]) == image.environment()
    assert config["config"]["Labels"]["org.opencontainers.image.title"] == "pluginmgr"
