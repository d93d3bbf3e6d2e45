"""A kubeconfig read by kubernetes' own loader: for whoever runs the program outside a pod."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException, load_kube_config

_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a kubeconfig's current context says."""

    configuration: Configuration
    namespace: str


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """`path` may be a list of files, as kubectl has it."""

    path: str

    @classmethod
    def named(cls, path: Path | None, environ: Mapping[str, str]) -> "Kubeconfig":
        """The one named, else the one that kubectl would take."""
        usual = environ.get("KUBECONFIG") or str(Path(environ.get("HOME", "/")) / ".kube" / "config")
        return cls(str(path) if path else usual)

    async def load(self) -> Loaded:
        """Read it, and run the helper program that it may name; raises OSError whatever is wrong with it."""
        configuration = Configuration()
        if not self._is_there():
            raise FileNotFoundError("it is not there")  # kubernetes' loader would only log it
        try:
            loader = await load_kube_config(  # type: ignore[no-untyped-call]
                self.path, client_configuration=configuration, persist_config=False
            )
            context = loader.current_context["context"]
        except (ConfigException, yaml.YAMLError, TypeError, KeyError) as error:
            raise OSError(f"it names no usable cluster ({error})") from error
        return Loaded(configuration, context.get("namespace") or "default")

    def _is_there(self) -> bool:
        return any(Path(each).expanduser().exists() for each in self.path.split(os.pathsep))

    async def token(self) -> str:
        """The token that it gives now, "" if a certificate does."""
        value = str((await self.load()).configuration.api_key.get("BearerToken", ""))
        return value[len(_BEARER) :] if value.lower().startswith(_BEARER) else value
