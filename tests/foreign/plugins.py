"""Plugins that nobody here wrote: how to shake hands with each, as data, and where to find it."""

import importlib.util
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.tools import build


@dataclass(frozen=True, slots=True)
class Foreign:
    """A real plugin. `answers` is the protocol version that it answers when asked for all of `versions`."""

    name: str
    find: Callable[[], Path]
    cookie_key: str
    cookie_value: str
    versions: tuple[int, ...]
    answers: int
    reason: str = "Serving"

    def __str__(self) -> str:
        return f"{self.name}-{self.answers}"  # a test's id

    @property
    def environment(self) -> dict[str, str]:
        """What the plugin needs to see of its host, but for the place of its socket."""
        versions = ",".join(str(version) for version in self.versions)
        return {self.cookie_key: self.cookie_value, "PLUGIN_PROTOCOL_VERSIONS": versions}


def terraform_provider() -> Path:
    """Find the provider that the dependency group `foreign` brings."""
    spec = importlib.util.find_spec("workato_terraform_provider")
    if spec is None or spec.origin is None:
        raise build.BuildError("workato-terraform-provider is not installed: see the dependency group `foreign`")
    machine = "arm64" if platform.machine() in ("aarch64", "arm64") else "amd64"
    return next(Path(spec.origin).parent.glob(f"payload/**/linux_{machine}/terraform-provider-workato_*"))


def _example(
    version: str, name: str, versions: tuple[int, ...] = (1,), answers: int = 1, reason: str = "Serving"
) -> Foreign:
    target = f"go-plugin-{version}-{name}"
    return Foreign(target, lambda: build.build(target), "BASIC_PLUGIN", "hello", versions, answers, reason)


# negotiated speaks net/rpc under 2 and gRPC under 3; the host's list chooses.
PLUGINS = (
    _example("1.8.0", "grpc"),
    _example("1.8.0", "bidirectional"),
    _example("1.8.0", "negotiated", versions=(3,), answers=3),
    _example("1.8.0", "streaming"),
    _example("1.4.3", "grpc"),
    _example("1.4.3", "bidirectional"),
    _example("1.4.3", "negotiated", versions=(3,), answers=3),
    Foreign(
        name="tflint-ruleset-terraform",
        find=lambda: build.build("tflint-ruleset-terraform"),
        cookie_key="TFLINT_RULESET_PLUGIN",
        cookie_value="5adSn1bX8nrDfgBqiAqqEkC6OE1h3iD8SqbMc5UUONx8x3xCF0KlPDsBRNDjoYDP",
        versions=(11,),
        answers=11,
    ),
    Foreign(
        name="terraform-provider-workato",
        find=terraform_provider,
        cookie_key="TF_PLUGIN_MAGIC_COOKIE",
        cookie_value="d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
        versions=(5, 6),
        answers=6,
    ),
)
REFUSED = (
    _example("1.8.0", "netrpc", reason="NetRpc"),
    _example("1.8.0", "negotiated", versions=(2,), answers=2, reason="NetRpc"),
)


def parameters(plugins: Iterable[Foreign]) -> list[Any]:
    """Give them to `pytest.mark.parametrize("plugin", ...)`, with their marks."""
    marks = [pytest.mark.go, pytest.mark.foreign, pytest.mark.timeout(600)]  # the first to come may have to build it
    return [pytest.param(plugin, id=str(plugin), marks=marks) for plugin in plugins]
