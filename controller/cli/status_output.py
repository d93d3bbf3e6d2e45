"""A status document, of the pod or of one plugin, in each of the forms that `-o` names."""

import json
import sys
from typing import Any

from controller.cli import status_plugin, status_table
from controller.cli.terminal import Page, page
from controller.cli.times import now


def write(document: Any, output: str) -> None:
    """To stdout, as `-o` says."""
    if output == "json":
        print(json.dumps(document, indent=2, ensure_ascii=False))
    elif output == "yaml":
        sys.stdout.write(as_yaml(document))
    else:
        print("\n".join(draw(document, page(sys.stdout), wide=output == "wide")))


def as_yaml(document: Any) -> str:
    """The document in YAML, keys in their order."""
    import yaml

    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def draw(document: Any, to: Page, *, wide: bool) -> list[str]:
    """The document for people. The lines of a table are cut to the page, unless it shall be wide."""
    if is_of_pod(document):
        lines = status_table.lines(document, to, now(), wide=wide)
        return lines if wide else [to.fit(line) for line in lines]
    return status_plugin.lines(document, to, now())


def is_of_pod(document: Any) -> bool:
    """Whether it is the pod's PluginPodStatus, not one plugin's part."""
    return "status" in document


def is_ready(document: Any) -> bool:
    """Whether all that is wanted is ready; of a plugin that is not wanted: yes."""
    if is_of_pod(document):
        return bool(document["status"]["ready"])
    ready = next((each["status"] for each in document.get("conditions", ()) if each["type"] == "Ready"), "Unknown")
    return ready == "True" or not document["workers"]["wanted"]
