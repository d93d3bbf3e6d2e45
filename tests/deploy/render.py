"""Manifests as kustomize makes them of deploy/."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.binaries import binary

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
VARIANTS = ("image", "pvc", "copy")

Manifest = dict[str, Any]


@cache
def render(directory: Path) -> str:
    """What `kubectl kustomize DIRECTORY` prints."""
    command = [str(binary("kubectl")), "kustomize", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def manifests(directory: Path) -> list[Manifest]:
    """The same, taken apart."""
    return list(yaml.safe_load_all(render(directory)))


def one(found: list[Manifest], kind: str, name: str = "") -> Manifest:
    """The only one of its kind, or of that name too."""
    (only,) = (each for each in found if each["kind"] == kind and name in ("", each["metadata"]["name"]))
    return only


def pod_template(found: list[Manifest], name: str = "") -> Manifest:
    """The pod template of the only Deployment, or of that one."""
    template: Manifest = one(found, "Deployment", name)["spec"]["template"]
    return template


def containers(template: Manifest) -> dict[str, Manifest]:
    """All containers of a pod template by name, in the order in which kubelet starts them."""
    spec = template["spec"]
    return {each["name"]: each for each in (*spec.get("initContainers", ()), *spec["containers"])}


def pod_of(template: Manifest, name: str) -> Manifest:
    """The Pod that a ReplicaSet would make of a template."""
    return {"metadata": {"name": name, "labels": template["metadata"]["labels"]}, "spec": template["spec"]}
