"""What a test wants of a controller: files on a plugin volume and a PluginConfig, both changed by rename."""

import os
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

SHAPE = {"apiVersion": "pluginmgr.dev/v1alpha1", "kind": "PluginConfig", "metadata": {"name": "test"}}
SETTLED = 1.0  # seconds since the last write after which nobody waits for a file to be complete


class Wanted:
    """A volume and a config file below `root`. A plugin is "kind/name", or the name alone where `kind` is the kind."""

    def __init__(self, root: Path, kind: str) -> None:
        self.root = root
        self.kind = kind
        self.plugins = root / "plugins"
        self.config = root / "pluginconfig.yaml"
        self.plugins.mkdir(parents=True)

    def key(self, plugin: str) -> str:
        """Complete a name to kind/name."""
        return key_of(plugin, self.kind)

    def file(self, plugin: str) -> Path:
        """Where the plugin's file is, or will be."""
        return self.plugins / self.key(plugin)

    # --- files

    def put(self, plugin: str, program: Path | bytes) -> str:
        """Rename a program, given by its path or its bytes, into place as the plugin's file; its digest."""
        content = program if isinstance(program, bytes) else program.read_bytes()
        place = self.file(plugin)
        place.parent.mkdir(parents=True, exist_ok=True)
        scratch = place.with_name(f".{place.name}.{os.getpid()}.tmp")
        scratch.write_bytes(content)
        scratch.chmod(0o755)
        os.utime(scratch, (time.time() - SETTLED,) * 2)
        scratch.replace(place)
        return sha256(content).hexdigest()

    def swap(self, plugin: str) -> str:
        """Replace the plugin's file by one that does the same in other bytes; its digest.

        What is added at the end is a comment to a script, and nothing to a binary.
        """
        program, _, count = self.file(plugin).read_bytes().partition(b"\n# version ")
        return self.put(plugin, program + f"\n# version {int(count or 0) + 1}\n".encode())

    def remove(self, plugin: str) -> None:
        """Unlink the plugin's file."""
        self.file(plugin).unlink()

    # --- flags

    def write_config(self, spec: Mapping[str, Any] | str) -> None:
        """Write a whole spec, or any text, into the config file."""
        text = spec if isinstance(spec, str) else yaml.safe_dump(SHAPE | {"spec": dict(spec)}, sort_keys=False)
        scratch = self.config.with_suffix(".new")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(self.config)

    def spec(self) -> dict[str, Any]:
        """Read the config's spec back; one without kinds where there is no file yet."""
        try:
            found = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"kinds": []}
        spec: dict[str, Any] = found["spec"]
        return spec

    def flag(self, plugin: str, **fields: Any) -> None:
        """Change fields of the plugin's entry, made where there is none: `flag("rule/x", enabled=False, workers=2)`.

        A field set to None is taken out.
        """
        spec = self.spec()
        kind, _, name = self.key(plugin).partition("/")
        entry = _named(_named(spec["kinds"], kind).setdefault("plugins", []), name)
        entry.update(fields)
        for field in [each for each, value in entry.items() if value is None]:
            del entry[field]
        self.write_config(spec)


def key_of(plugin: str, kind: str) -> str:
    """Complete a name to kind/name; one that has its kind stays."""
    return plugin if "/" in plugin else f"{kind}/{plugin}"


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    for entry in entries:
        if entry["name"] == name:
            return entry
    entries.append({"name": name})
    return entries[-1]
