"""Where etcd, kube-apiserver and kubectl are: named by the environment as envtest does, else built by `tests/tools`."""

import os
from pathlib import Path

from tests.tools import build


def binary(name: str) -> Path:
    """`TEST_ASSET_<NAME>` if set, else the one in the folder `KUBEBUILDER_ASSETS`, else the project's own.

    Raises:
        FileNotFoundError: the environment names one that isn't there, where another version would be a surprise; or
            it was never built, which takes longer than a test may.
    """
    variable = f"TEST_ASSET_{name.upper().replace('-', '_')}"
    if named := os.environ.get(variable):
        return _existing(Path(named).expanduser(), variable)
    if folder := os.environ.get("KUBEBUILDER_ASSETS"):
        return _existing(Path(folder).expanduser() / name, "KUBEBUILDER_ASSETS")
    if not (built := build.place(name)).exists():
        raise FileNotFoundError(f"{name} is not built yet: `python tests/tools/build.py etcd kube` takes some minutes")
    return built


def _existing(path: Path, variable: str) -> Path:
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{variable}: {path} is no program")
    return path.absolute()
