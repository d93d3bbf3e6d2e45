"""The CRD file as a JSON Schema: the API server, kubectl and this process check by the one file.

What a structural schema says with `x-kubernetes-*` is translated where JSON Schema has a word for it; the uniqueness of
list maps is left to `checks`. Unknown fields are forbidden here, so that one pass finds them too; whether they are an
error is for `document` to say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from controller.config.metadata import metadata

GROUP = "pluginmgr.dev"
GROUP_VERSION = f"{GROUP}/v1alpha1"
KIND = "PluginConfig"
PLUGIN_CONFIGS = "pluginconfigs.yaml"
PLUGIN_POD_STATUSES = "pluginpodstatuses.yaml"
_TRANSLATED = frozenset({"description", "format", "nullable", "default", "properties", "items"})


def crd_file(name: str) -> Path:
    """The file as shipped: in the wheel beside this package, in a checkout beside its folder."""
    package = Path(__file__).parents[1]
    shipped = package / "crds" / name
    return shipped if shipped.exists() else package.parent / "crds" / name


def open_api_schema(name: str) -> dict[str, Any]:
    """The schema of the CRD's one version, as written."""
    crd = yaml.load(crd_file(name).read_bytes(), Loader=yaml.CSafeLoader)
    schema: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


@dataclass(frozen=True, slots=True)
class Schema:
    """A kind's JSON Schema and its compiled form."""

    json: Mapping[str, Any]
    validator: jsonschema_rs.Draft202012Validator

    def at(self, path: Sequence[str | int]) -> Any:
        """The part of the schema that a complaint points to."""
        node: Any = self.json
        for step in path:
            node = node[step]
        return node


@cache
def schema_of(name: str) -> Schema:
    """The schema in the CRD file `name`; made once, since it takes longer to read than most configs."""
    json = json_schema(open_api_schema(name))
    json["properties"]["metadata"] = metadata(json["properties"]["metadata"])
    return Schema(json, jsonschema_rs.Draft202012Validator(json, pattern_options=jsonschema_rs.RegexOptions()))


def json_schema(node: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema that says the same as a structural schema."""
    schema = {word: value for word, value in node.items() if word not in _TRANSLATED and not word.startswith("x-")}
    if "properties" in node:
        schema["properties"] = {name: json_schema(child) for name, child in node["properties"].items()}
        schema["additionalProperties"] = False
    if "items" in node:
        schema["items"] = json_schema(node["items"])
    if node.get("x-kubernetes-list-type") == "set":
        schema["uniqueItems"] = True
    if node.get("nullable"):
        schema["type"] = [schema["type"], "null"]
    return schema
