"""docs/how-to/run-in-a-cluster.md as it stands: its files written, its kubectl commands run, up to where pods run."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cluster.cluster import Cluster, unique
from tests.deploy.render import ROOT

PAGE = ROOT / "docs/how-to/run-in-a-cluster.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NEEDS_MORE = (
    "docker ",
    "rollout status",
    " exec ",
    "deploy/monitoring",
    "delete -k base",
)  # an engine, a node, an operator


@pytest.fixture
def page(cluster: Cluster, policies: None) -> Iterator[str]:
    """The page for a namespace of the test's own."""
    own = unique("how-to")
    yield re.sub(r"\b(namespace:? )detections\b", rf"\g<1>{own}", PAGE.read_text())
    cluster.status_of(f"/api/v1/namespaces/{own}", method="DELETE")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with the clone in it that the page speaks of."""
    for name in ("deploy", "crds"):
        shutil.copytree(ROOT / name, tmp_path / "pluginmgr" / name)
    return tmp_path


def test_the_page_is_right(cluster: Cluster, page: str, place: Path) -> None:
    for language, text in BLOCK.findall(page):
        if language == "yaml":
            write(place, text)
        elif language == "sh":
            for line in text.splitlines():
                run(cluster, place, line)


def test_the_patches_of_the_page_change_what_they_say(cluster: Cluster, place: Path) -> None:
    texts = [text for language, text in BLOCK.findall(PAGE.read_text()) if language == "yaml"]
    for text in texts:
        write(place, text)
    for name in ("deployment.yaml", "pluginconfig.yaml"):
        shutil.copy(place / "pluginmgr/deploy/examples/app" / name, place / "app")
    (patches,) = [each for each in texts if each.startswith("patches:")]
    with (place / "app/kustomization.yaml").open("a") as file:
        file.write(patches)
    rendered = cluster.kubectl("kustomize", str(place / "app")).stdout
    (pod,) = [each["spec"]["template"]["spec"] for each in yaml.safe_load_all(rendered) if each["kind"] == "Deployment"]
    assert pod["terminationGracePeriodSeconds"] == 90
    args = pod["initContainers"][1]["args"]
    assert [each for each in args if each.startswith("--grace")] == ["--grace=80"]
    assert len(args) == len(set(args)) == 7


def write(place: Path, text: str) -> None:
    """A block that begins with its file's name."""
    if text.startswith("# "):
        path = place / text.split("\n", maxsplit=1)[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def run(cluster: Cluster, place: Path, line: str) -> None:
    """One line of a block."""
    if any(word in line for word in NEEDS_MORE):
        return
    if line.startswith("kubectl "):
        words = line.split()[1:]
        cluster.kubectl(
            *(str(place / word) if before == "-k" else word for before, word in zip(["", *words], words, strict=False))
        )
    else:
        subprocess.run(["bash", "-c", line], cwd=place, check=True)
