"""docs/how-to/run-in-a-cluster.md as it stands: its files written, its kubectl commands run, up to where pods run."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def test_the_page_is_right(cluster: Cluster, page: str, tmp_path: Path) -> None:
    (tmp_path / "pluginmgr").mkdir()
    for name in ("deploy", "crds"):
        shutil.copytree(ROOT / name, tmp_path / "pluginmgr" / name)
    for language, text in BLOCK.findall(page):
        if language == "yaml" and text.startswith("# "):
            path = tmp_path / text.split("\n")[0].removeprefix("# ")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        elif language == "sh":
            for line in text.splitlines():
                run(cluster, tmp_path, line)


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
