"""What is for the Prometheus operator is taken by a real API server that has the operator's own definitions."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster, unique
from tests.deploy.render import DEPLOY, manifests
from tests.tools.build import go

MODULE = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
SUM = "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s="
CRDS = ("podmonitors", "prometheusrules")


@pytest.fixture
def definitions(tmp_path: Path) -> list[Path]:
    """The operator's CRDs, out of its Go module."""
    environment = {**os.environ, "GOWORK": "off", "GOFLAGS": "", "GOTOOLCHAIN": "local"}
    command = [go(), "mod", "download", "-json", MODULE]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    module = json.loads(done.stdout)
    assert module["Sum"] == SUM
    place = Path(module["Dir"], "example/prometheus-operator-crd")
    return [place / f"monitoring.coreos.com_{each}.yaml" for each in CRDS]


@pytest.mark.go
def test_its_objects_are_taken_as_they_are(cluster: Cluster, definitions: list[Path]) -> None:
    for each in definitions:
        cluster.kubectl("apply", "--server-side", "--filename", str(each))
    for each in CRDS:
        cluster.kubectl("wait", "--for=condition=Established", f"crd/{each}.monitoring.coreos.com", "--timeout=20s")
    name = unique("monitored")
    cluster.api("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    done = cluster.kubectl(
        "apply", "--server-side", "--validate=strict", "--namespace", name, "--kustomize", str(DEPLOY / "monitoring")
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == len(manifests(DEPLOY / "monitoring"))
